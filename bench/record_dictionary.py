"""Make the dictionary that records are packed with, from the sample city's licences.

    .venv/bin/python bench/record_dictionary.py NUMBER

writes `src/zwhub/licences/records-NUMBER.zdict`. A dictionary that is in use must stay as it is:
make the next number, and let `packing.py` read both.
"""

import json
import random
import sys
from datetime import date
from pathlib import Path

import zstandard

from zwhub.cli.sandbox import sample_tables
from zwhub.profile.folder import read_profile, sample_folder
from zwhub.profile.population import drafts

SIZE = 32_768  # bytes; 65,536 would save another 5 bytes a record
SEED = 20261122
FOLDER = Path(__file__).parent.parent / "src" / "zwhub" / "licences"


def samples() -> list[bytes]:
    """Header and payload of the sample's records, as `packing.pack` compresses them."""
    sample = read_profile(sample_folder()).settings["sample"]
    made = []
    for draft in drafts(sample_tables(), sample, date(2026, 11, 22)):
        header = {"alg": "ES256", "kid": draft.kid, "typ": "zwhub-licence+jws"}
        parts = (
            json.dumps(one, ensure_ascii=False, separators=(",", ":"))
            for one in (header, draft.payload)
        )
        made.append("".join(parts).encode())
    random.Random(SEED).shuffle(made)
    return made


def main(number: str) -> None:
    records = samples()
    half = len(records) // 2
    dictionary = zstandard.train_dictionary(SIZE, records[:half])
    (FOLDER / f"records-{number}.zdict").write_bytes(dictionary.as_bytes())
    compressor = zstandard.ZstdCompressor(dict_data=dictionary, write_dict_id=False)
    packed = sum(len(compressor.compress(one)) for one in records[half:])
    plain = sum(map(len, records[half:]))
    print(f"records-{number}.zdict: {plain / half:.0f} bytes a record become {packed / half:.0f}")


if __name__ == "__main__":
    main(sys.argv[1])
