"""How many devices and which hosts in, a spread of the examples of a batch over them out.

Every process runs the same program on the same numbers. Each device works at its part of a batch, and
what they find is added up: the run is that of one device, to rounding.
"""

# JAX is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.errors import InputError

__all__ = ["Spread", "agreed", "connect", "devices_there", "leads", "offer", "spread_over"]

Array = Any
AXIS = "examples"
WAIT = 120  # seconds for all hosts to come together
FORCED = "xla_force_host_platform_device_count"


@dataclass(frozen=True)
class Spread:
    """A row of devices over which the examples of a batch are divided."""

    mesh: Any

    @property
    def count(self) -> int:
        """How many devices there are."""
        return int(self.mesh.devices.size)

    @property
    def everywhere(self) -> Any:
        """The sharding of what every device has whole."""
        from jax.sharding import NamedSharding, PartitionSpec

        return NamedSharding(self.mesh, PartitionSpec())

    @property
    def parted(self) -> Any:
        """The sharding of what each device has some rows of."""
        from jax.sharding import NamedSharding, PartitionSpec

        return NamedSharding(self.mesh, PartitionSpec(AXIS))

    def divides(self, rows: int) -> bool:
        """Whether so many rows can be divided evenly."""
        return rows % self.count == 0

    def put(self, tree: Any, *, rows: bool = False) -> Any:
        """Arrays on all devices; with ``rows`` each has its part where they divide evenly."""
        import jax

        def placed(array: Array) -> Array:
            divided = rows and self.divides(len(array))
            sharding = self.parted if divided else self.everywhere
            if getattr(array, "sharding", None) == sharding:
                return array
            array = np.asarray(array)
            return jax.make_array_from_callback(array.shape, sharding, lambda part: array[part])

        return jax.tree.map(placed, tree)

    def divided(self, arrays: tuple[Array, ...]) -> tuple[Array, ...]:
        """Inside a program: the rows of a batch divided where they divide evenly."""
        import jax

        return tuple(
            jax.lax.with_sharding_constraint(a, self.parted) if self.divides(len(a)) else a
            for a in arrays
        )


def connect(hosts: Sequence[str], host: int) -> None:
    """Come together with the other hosts; ``hosts`` are all addresses, the first with its port.

    Raises ``InputError`` for addresses that are none, and where the hosts do not come together.
    """
    if not hosts or not re.fullmatch(r".+:\d{1,5}", hosts[0]):
        raise InputError(
            "The first of the hosts needs a port at which the others find it: 10.0.0.1:4000,10.0.0.2."
        )
    if type(host) is not int or not 0 <= host < len(hosts):
        raise InputError(
            f"host is {host!r:.20}; of {len(hosts)} hosts it is 0 to {len(hosts) - 1}."
        )
    import jax

    with suppress(AttributeError):  # a service that takes SIGTERM and goes on
        jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(hosts[0], len(hosts), host, initialization_timeout=WAIT)
    except (RuntimeError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else "no answer"
        raise InputError(
            f"Host {host} did not come together with the others at {hosts[0]}: {said:.200}. Start the "
            "same command on every host, with its own --host, and let the port pass the firewall."
        ) from None


def offer(count: int) -> None:
    """Make so many devices of the processor, where JAX has not begun and nobody else has said it."""
    import jax

    if FORCED not in os.environ.get("XLA_FLAGS", ""):
        with suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", count)


def devices_there(count: int) -> bool:
    """Whether there are so many devices, those of all hosts together."""
    import jax

    return len(jax.devices()) >= count


def spread_over(count: int) -> Spread:
    """The spread over so many devices, those of all hosts together.

    Raises ``InputError`` where there are fewer.
    """
    import jax
    from jax.sharding import Mesh

    if not devices_there(count):
        raise InputError(
            f"There are {len(jax.devices())} devices, not {count}. Ask for fewer; on a processor, "
            f"XLA_FLAGS=--{FORCED}={count} makes so many, said before JAX begins."
        )
    return Spread(Mesh(np.array(jax.devices()[:count]), (AXIS,)))


def _processes() -> int:
    """How many processes work at one run; JAX is asked only if it is there already."""
    jax = sys.modules.get("jax")
    if jax is None or not jax.distributed.is_initialized():
        return 1
    return int(jax.process_count())


def leads() -> bool:
    """Whether this process is the one that tells and saves."""
    return _processes() == 1 or int(sys.modules["jax"].process_index()) == 0


def agreed(planned: int) -> int:
    """What all processes do next: what the first has planned, or the least plan that is not positive.

    Without this their clocks would part them.
    """
    if _processes() == 1:
        return planned
    from jax.experimental import multihost_utils

    plans = np.asarray(multihost_utils.process_allgather(np.array([planned]))).ravel()
    return int(plans.min()) if plans.min() <= 0 else int(plans[0])
