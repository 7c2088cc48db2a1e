"""Another city (另一座城市): a small fictional profile with nothing of the sample in it."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zwhub.kernel.identifiers import uscc
from zwhub.profile.folder import COLUMNS

Table = Sequence[Mapping[str, str]]


def a_body_code(serial: int, region: str = "980100") -> str:
    """A unified social credit code whose check characters are right."""
    organisation = f"{serial:08}"
    head = f"11{region}{organisation}{uscc.organisation_check_character(organisation)}"
    return head + uscc.check_character(head)


GOVERNMENT, HOUSING, HEALTH, DISTRICT = (a_body_code(serial) for serial in (41, 42, 43, 44))
DEED_TYPE, CLINIC_TYPE = f"{a_body_code(111)}001", f"{a_body_code(222)}002"


def _matter(number: int, kind: str, time: str) -> dict[str, str]:
    row = dict.fromkeys(COLUMNS["matters"].split(), "云")
    return row | {
        "code": f"ZW-1-01-{number:03}",
        "kind": kind,
        "lead": HOUSING,
        "levels": "市|县",
        "time": time,
        "stars": "1",
    }


def _body(code: str, name: str, kind: str, parent: str = GOVERNMENT) -> dict[str, str]:
    said = {"code": code, "name": name, "short_name": name, "name_en": name, "kind": kind}
    return said | {"level": "市", "region": "980100", "parent": parent}


def _item(basic: str, name: str, body: str) -> dict[str, str]:
    row = dict.fromkeys(COLUMNS["items"].split(), "云港")
    row |= {"code": basic, "implementation_code": f"{body}3{basic}", "name": name}
    row |= {"organisation": body, "kind": "01", "level": "3", "served": "1", "case_kind": "2"}
    row |= {"statutory_limit": "1", "statutory_unit": "月", "promised_limit": "20"}
    row |= {"promised_unit": "工作日", "visits": "1", "online_depth": "3"}
    return row | {"topics": "", "results": "deed"}


def _type(key: str, code: str, surface: str, issuing: str) -> dict[str, str]:
    row = {"key": key, "code": code, "name": f"云港{key}", "name_en": key, "surface": surface}
    return row | {"holder_kind": "either", "validity": "", "issuing": issuing, "multi_holder": "no"}


def tables() -> dict[str, list[dict[str, str]]]:
    """A city of two departments, one district, two items, two licence types, three matters."""
    material = dict.fromkeys(COLUMNS["materials"].split(), "材料") | {
        "item": "980101001001",
        "position": "1",
        "kind": "原件",
        "form": "均可",
        "necessity": "必要",
        "source": "申请人自备",
        "evidence": "deed[坐落,权利人]+clinic-permit|clinic-permit[名称]",
    }
    return {
        "matters": [
            _matter(1, "公共服务", "3 个工作日"),
            _matter(2, "公共服务", "即时"),
            _matter(3, "行政许可", "5 个工作日"),
        ],
        "matters_summary": [{"dimension": "total", "key": "", "count": "3"}],
        "regions": [
            {"code": "980000", "name": "云省", "name_en": "Yun", "level": "省", "parent": ""},
            {"code": "980100", "name": "云港市", "name_en": "", "level": "市", "parent": "980000"},
            {"code": "980101", "name": "港北区", "name_en": "", "level": "县", "parent": "980100"},
        ],
        "organisations": [
            _body(GOVERNMENT, "云港市人民政府", "other", ""),
            _body(HOUSING, "云港市住房局", "department"),
            _body(HEALTH, "云港市卫生局", "department"),
            _body(DISTRICT, "港北区人民政府", "district"),
        ],
        "licence_types": [
            _type("deed", DEED_TYPE, "坐落|权利人", HOUSING),
            _type("clinic-permit", CLINIC_TYPE, "名称", HEALTH),
        ],
        "items": [
            _item("980101001001", "房屋登记", HOUSING),
            _item("980101002001", "诊所备案", HEALTH),
        ],
        "materials": [material],
        "calendar": [{"date": "2026-03-10", "working": "no", "note": "云港节"}],
    }


def settings(**expected: int) -> str:
    """`profile.toml` of that city."""
    counts = {"departments": 2, "districts": 1, "items": 2, "licence_types": 2}
    counts |= {"licence_records": 0, **expected}
    lines = ["[city]", 'name = "云港市"', 'name_en = "Yungang"', 'region = "980100"']
    lines += ['province = "980000"', f'lead = "{HOUSING}"', "[expected]"]
    lines += [f"{name} = {count}" for name, count in counts.items()]
    for number in range(1, 7):
        words = ("subject_zh", "subject_en", "source_zh", "source_en")
        lines += ["[[replacements]]", f"number = {number}"]
        lines += [f'{name} = "{name} {number}"' for name in words]
    return "\n".join(lines)


def write_city(
    folder: Path, toml: str | None = None, encoding: str = "utf-8", **changed: Table
) -> Path:
    """The folder of that city; `changed` tables take the place of its own."""
    folder.mkdir(exist_ok=True)
    for name, rows in (tables() | changed).items():
        with (folder / f"{name}.csv").open("w", encoding=encoding, newline="") as file:
            writer: Any = csv.DictWriter(file, COLUMNS[name].split(), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    (folder / "profile.toml").write_text(toml or settings(), "utf-8")
    return folder
