"""Where the ink of a label is when it is really drawn: by resvg, in fonts of different widths."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import resvg_py

from handgrad.render.picture.labels import Label
from handgrad.render.picture.scene import Scene, Text
from handgrad.render.picture.svg import to_svg

SLACK = 0.6  # pixels: a stroke at the edge of a box colours a part of the pixel beside it


def complaints(label: Label, font: str, angle: float = 0.0) -> Iterator[str]:
    """The pixels with ink that lie outside the box of a label; ``font`` replaces every family."""
    wide = Text(label, 0, 0, 14).box.width + 60
    high = wide if angle else 60.0
    text = Text(label, wide / 2, high / 2, 14, angle=angle)
    scene = Scene(wide, high, (text,), "", "")
    svg = to_svg(scene, "print")
    if font:
        quoted = svg.replace("font-family=\"'", 'font-family="').split('font-family="')
        svg = 'font-family="'.join(
            [quoted[0], *(f"'{font}'" + p[p.index('"') :] for p in quoted[1:])]
        )
    image = pixels(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=round(wide))))
    rows, columns = np.nonzero(image[..., :3].min(axis=-1) < 160)
    assert len(rows) > 10, "nothing is drawn"
    box = text.box.grown(SLACK)
    scale = wide / image.shape[1]
    for y, x in zip(rows.tolist(), columns.tolist(), strict=True):
        place = ((x + 0.5) * scale, (y + 0.5) * scale)
        corner = min(place) < 4 or place[0] > wide - 4 or place[1] > high - 4  # rounded, not ink
        if not corner and box.distance(place) > 0:
            yield f"ink at {place}, outside {text.box}"


def pixels(png: bytes) -> np.ndarray:
    """The pixels of a PNG of eight bits and four channels, as rows × columns × channels."""
    wide, high, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (png[:8], depth, kind) == (b"\x89PNG\r\n\x1a\n", 8, 6)
    place, data = 8, b""
    while place < len(png):
        (length,), name = struct.unpack(">I", png[place : place + 4]), png[place + 4 : place + 8]
        data += png[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        place += 12 + length
    raw = zlib.decompress(data)
    rows, above = [], bytearray(4 * wide)
    for y in range(high):
        start = y * (4 * wide + 1)
        above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + 4 * wide]), above)
        rows.append(bytes(above))
    return np.frombuffer(b"".join(rows), np.uint8).reshape(high, wide, 4)


def _unfiltered(kind: int, row: bytearray, above: bytearray) -> bytearray:
    """A row without its filter (PNG specification, section 9)."""
    for n in range(len(row) if kind else 0):
        a, b, c = (row[n - 4] if n > 3 else 0), above[n], (above[n - 4] if n > 3 else 0)
        nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        row[n] = (row[n] + (a, b, (a + b) // 2, nearest)[kind - 1]) & 255
    return row
