"""Any text as LaTeX prints it, with pdflatex's own fonts and encoding, too."""

# ruff: noqa: RUF001  (it is about characters that look like others)

from __future__ import annotations

import unicodedata
from functools import cache

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "\u2713": r"\checkmark{}",
    "\u25cb": r"$\scriptstyle\bigcirc$",
    **{character: f"\\{character}" for character in "#$%&_"},
}

_GREEK_NAMES = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma "
    "tau upsilon varphi chi psi omega vartheta phi epsilon varsigma Gamma Delta Theta Lambda "
    "Xi Pi Sigma Upsilon Phi Psi Omega"
)
_GREEK = dict(zip("αβγδεζηθικλμνξπρστυφχψωϑϕϵςΓΔΘΛΞΠΣΥΦΨΩ", _GREEK_NAMES.split(), strict=True))
_LOOKS_LATIN = dict(zip("οΑΒΕΖΗΙΚΜΝΟΡΤΧ", "oABEZHIKMNOPTX", strict=True))

_SIGN_NAMES = (
    "times pm div cdot dagger ddagger leq geq neq approx equiv ll gg sim propto leq geq leftarrow "
    "rightarrow uparrow downarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow mapsto infty "
    "sum prod int surd partial nabla in notin subset subseteq cup cap emptyset forall exists "
    "wedge vee neg - ast circ cdot oplus otimes ell ldots ll gg langle rangle mu"
)
_SIGNS = dict(
    zip(
        "×±÷·†‡≤≥≠≈≡≪≫∼∝≲≳←→↑↓↔⇒⇐⇔↦∞∑∏∫√∂∇∈∉⊂⊆∪∩∅∀∃∧∨¬−∗∘⋅⊕⊗ℓ…«»‹›µ",
        _SIGN_NAMES.split(),
        strict=True,
    )
)
_MATHS = {sign: "$-$" if name == "-" else f"$\\{name}$" for sign, name in (_GREEK | _SIGNS).items()}

_AS_THEY_ARE = frozenset(
    "¡¢£¤¥¦§¨©ª®¯°²³´¶¸¹º¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ"
    "ĀāĂăĆćĈĉĊċČčĎďĒēĔĕĖėĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭİıĴĵĶķĹĺĻļĽľŁłŃńŅņŇňŌōŎŏŐőŒœŔŕŖŗŘřŚśŜŝŞşŠšŢţŤť"
    "ŨũŪūŬŭŮůŰűŴŵŶŷŸŹźŻżŽž‐–—‘’“”•‰※⁄€№™"
)
"""What pdflatex knows by itself, in any text font."""

_SPELLED = {"„": ",,", "‚": ",", "ð": "d", "Ð": "D", "đ": "d", "Đ": "D", "þ": "th", "Þ": "Th"}


def escape(text: str) -> str:
    """Return text so that LaTeX prints it, on one line as it is.

    Greek letters and mathematical signs become those of LaTeX. Of other characters that
    pdflatex lacks, marks on letters are dropped, and the rest is given by its number, as
    ``U+4E2D``; XeLaTeX and LuaLaTeX print the character.
    """
    return "".join(map(_printed, unicodedata.normalize("NFC", text)))


@cache
def _printed(character: str) -> str:
    known = _SPECIAL.get(character) or _MATHS.get(character) or _LOOKS_LATIN.get(character)
    if known:
        return known
    if character.isascii():
        return character if character.isprintable() or character in "\n\t" else ""
    if character in _AS_THEY_ARE:
        return character
    if unicodedata.category(character)[0] in "CM":  # controls, joiners, single marks
        return ""
    if character in _SPELLED:
        return _SPELLED[character]
    if unicodedata.category(character) == "Zs":
        return "~" if character == "\u00a0" else " "
    kind, _, rest = unicodedata.decomposition(character).partition(" ")
    if kind in ("<super>", "<sub>") and rest and chr(int(rest, 16)).isascii():
        return f"${'^' if kind == '<super>' else '_'}{{{chr(int(rest, 16))}}}$"
    base = "".join(one for one in unicodedata.normalize("NFKD", character) if one.isascii())
    if base and base.isprintable():
        return escape(base)
    return f"{{\\ifdefined\\Umathchar {character}\\else\\texttt{{U+{ord(character):04X}}}\\fi}}"
