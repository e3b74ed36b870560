"""What the signs, commands and letters of mathematics mean, as data."""

from __future__ import annotations

import unicodedata

__all__ = [
    "ABOVE",
    "ACCENTS",
    "ARGUMENT_DROPPED",
    "BELOW",
    "CHARACTERS",
    "CLOSE",
    "FRAMES",
    "GAPS",
    "GREEK",
    "LIBRARIES",
    "OPEN",
    "OPERATORS",
    "RELATIONS",
    "RELATION_CHARACTERS",
    "SPACES",
    "TEXT",
    "VULGAR",
    "WORDS",
]

_LETTERS = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "mu", "nu",
    "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
}  # fmt: skip
GREEK = {name: unicodedata.lookup(f"GREEK SMALL LETTER {name.upper()}") for name in sorted(_LETTERS)} | {
    "lambda": "λ", "varepsilon": "ε", "vartheta": "θ", "varphi": "φ", "varsigma": "σ",
    "Delta": "Δ", "Sigma": "Σ", "Theta": "Θ", "Phi": "Φ", "Omega": "Ω", "Lambda": "Λ",
}  # fmt: skip

OPERATORS = {
    "cdot": "*", "times": "*", "ast": "*", "bullet": "*", "div": "/", "circ": "⊙", "odot": "⊙",
    "star": "*", "otimes": "*",
}  # fmt: skip
RELATIONS = {
    "approx": "≈", "simeq": "≈", "sim": "≈", "cong": "≈", "approxeq": "≈", "doteq": "≈",
    "equiv": "=", "coloneqq": "←", "leftarrow": "←", "gets": "←", "longleftarrow": "←",
    "Leftarrow": "←", "rightarrow": "→", "to": "→", "longrightarrow": "→", "mapsto": "→",
    "Rightarrow": "⇒", "implies": "⇒", "Longrightarrow": "⇒", "iff": "⇒",
    "Leftrightarrow": "⇒", "leadsto": "⇒", "rightsquigarrow": "⇒", "therefore": "⇒",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "lt": "<", "gt": ">", "ne": "≠", "neq": "≠",
    "in": "∈", "propto": "∝", "ll": "<", "gg": ">", "triangleq": "=",
}  # fmt: skip
SPACES = {
    "mathop", "smash", "phantom", "right.", "scriptscriptstyle", "normalsize", "small", "large",
    "centering", "left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr",
    "biggl", "biggr", "Biggl", "Biggr", "displaystyle", "limits", "nolimits", "textstyle",
    "scriptstyle", "nonumber", "notag", "mathbf", "boldsymbol", "bm", "vec", "mathcal",
    "mathbb", "mathit", "bf", "rm", "it", "underbrace", "overbrace", "boxed", "hfill",
    "noindent", "middle", "mathstrut", "strut", "enspace", "thinspace", "hline", "cancel",
    "bcancel", "xcancel", "underline", "mathsf", "mathtt", "pmb", "cr", "allowbreak",
}  # fmt: skip
ARGUMENT_DROPPED = {
    "label",
    "tag",
    "color",
    "textcolor",
    "colorbox",
    "hspace",
    "vspace",
    "ref",
    "eqref",
}
TEXT = {
    "text", "mathrm", "operatorname", "textbf", "textrm", "textit", "mbox", "texttt", "textsf",
    "intertext", "emph",
}  # fmt: skip
ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303",
    "bar": "\u0304", "overline": "\u0304", "dot": "\u0307",
}  # fmt: skip
WORDS = {
    "exp", "ln", "log", "tanh", "max", "min", "sin", "cos", "arctan", "sech", "sinh", "cosh",
    "sigmoid", "relu", "softmax", "sign",
}  # fmt: skip
CHARACTERS = {
    "·": "*", "×": "*", "⋅": "*", "∙": "*", "•": "*", "*": "*", "∗": "*", "⊙": "⊙", "∘": "⊙", "@": "*",
    "÷": "/", "∕": "/", "⁄": "/", "/": "/", "+": "+", "-": "-", "−": "-", "–": "-", "‐": "-",
    "‑": "-", "^": "^", "_": "_", "'": "'", "′": "'", "’": "'", ",": ",", ";": ";",
}  # fmt: skip
RELATION_CHARACTERS = {
    "=": "=", "≈": "≈", "≃": "≈", "≅": "≈", "~": "≈", "≡": "=", "←": "←", "⟵": "←", "→": "→",
    "⟶": "→", "⇒": "⇒", "⟹": "⇒", "↦": "→", "⇔": "⇒", "≤": "≤", "≥": "≥", "<": "<", ">": ">",
    "≠": "≠", "∝": "∝", "∈": "∈",
}  # fmt: skip
OPEN, CLOSE = "([{", ")]}"
BELOW = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", "0123456789+-()aeoxhklmnpstijruv")
ABOVE = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱᵀ", "0123456789+-()niT")
VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
FRAMES = {"boxed", "fbox", "framebox", "cancel", "underline", "bbox", "mathbox"}
GAPS = {"quad", "qquad"}
LIBRARIES = "np|numpy|math|cmath|torch|tf|jnp|jax|F|nn|Math|scipy"
