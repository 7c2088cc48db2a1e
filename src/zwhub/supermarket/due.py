"""When the decision is due (预计办结日): by each item's promised limit, else its statutory one. Pure."""

import calendar
from collections.abc import Iterable
from datetime import date, timedelta

from zwhub.items.model import Item
from zwhub.kernel.working_days import Calendar


def decision_due(wanted: Iterable[Item], days: Calendar, start: date) -> tuple[date, bool]:
    """The last of the items' due days: a licence must hold until all are decided."""
    due = [_due(item, days, start) for item in wanted]
    return max(on for on, _ in due), any(provisional for _, provisional in due)


def _due(item: Item, days: Calendar, start: date) -> tuple[date, bool]:
    amount, unit = item.promised_limit, item.promised_unit
    if amount is None:
        amount, unit = item.statutory_limit, item.statutory_unit
    match unit:
        case _ if amount is None:  # 无期限: nothing to wait for can be promised
            return start, False
        case "工作日":
            return days.after(start, amount)
        case "自然日":
            return start + timedelta(days=amount), False
        case "月":
            return _months_after(start, amount), False
        case _:
            return _months_after(start, 12 * amount), False


def _months_after(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last))
