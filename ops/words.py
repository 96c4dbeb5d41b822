"""What the house says on a terminal while it starts and stops, in English and in Chinese."""

from __future__ import annotations  # Python 3.8 reads this file

from inference.models.words import speaks_chinese

SENTENCES: dict[str, tuple[str, str]] = {
    # --- the Python environment
    "wrong_python": (
        "白露 runs on Python 3.11, 3.12 or 3.13; this is {found}, and no other was found. Install one (on Debian: "
        "apt install python3.11 python3.11-venv) or name it: make run PYTHON=/path/to/python3.12",
        "白露需要 Python 3.11、3.12 或 3.13;现在是 {found},也没有找到别的。请安装一个(Debian:"
        "apt install python3.11 python3.11-venv),或指明它:make run PYTHON=/path/to/python3.12",
    ),
    "no_venv": (
        "Python {version} has no venv module that works. Install it (on Debian: apt install python{version}-venv) "
        "and run again.",
        "Python {version} 缺少可用的 venv 模块。请安装(Debian:apt install python{version}-venv)后重试。",
    ),
    "disk_full": (
        "{free} are free in {folder}, {need} are needed. Free some space and run again.",
        "{folder} 只剩 {free},需要 {need}。请腾出空间后重试。",
    ),
    "no_write": (
        "{folder} cannot be written ({why}). Mend its permissions, or set DATA_DIR to a folder of your own.",
        "无法写入 {folder}({why})。请修正权限,或把 DATA_DIR 设到你自己的文件夹。",
    ),
    "pip_offline": (
        "pip could not reach a package registry. Check the network, or tell pip of a mirror (pip config set "
        "global.index-url …), and run again. What it said: {log}",
        "pip 连不上软件包仓库。请检查网络,或给 pip 配一个镜像(pip config set global.index-url …)后重试。详情:{log}",
    ),
    "pip_failed": (
        "The packages could not be installed: {why} What pip said: {log}",
        "软件包没能装上:{why} 详情:{log}",
    ),
    "making_venv": (
        "Making the Python environment in {place} (Python {version})",
        "正在 {place} 中建立 Python 环境(Python {version})",
    ),
    "installing": (
        "Installing the packages of {files}: the first time takes a few minutes",
        "正在安装 {files} 中的软件包:第一次要几分钟",
    ),
    "installing_now": ("  {count} packages found, {seconds} s", "  已找到 {count} 个包,{seconds} 秒"),
    "installed": ("Packages installed in {seconds} s", "软件包已装好,用时 {seconds} 秒"),
    "no_binary": (
        "The Redis-protocol server cannot run on this machine ({why}). Install Redis or Valkey and set REDIS_URL.",
        "内置的 Redis 服务器无法在这台机器上运行({why})。请安装 Redis 或 Valkey,并设置 REDIS_URL。",
    ),
    # --- settings and preflight
    "bad_line": (
        ".env, line {number}: write NAME=value, one a line.",
        ".env 第 {number} 行:请写成 名字=值,每行一个。",
    ),
    "bad_setting": ("{said}", "{said}"),
    "bad_number": (
        "{name}={value}: write a whole number from {least} to {most}.",
        "{name}={value}:请写 {least} 到 {most} 之间的整数。",
    ),
    "running": (
        "白露 already runs with this data folder ({folder}, process {pid}). Stop it with: make stop",
        "白露已经在用这个数据文件夹运行({folder},进程 {pid})。要停止它:make stop",
    ),
    "port_taken": (
        "Port {port} is taken by {holder}. Stop that program, or set {name} to a free port.",
        "端口 {port} 被 {holder} 占用。请停掉那个程序,或把 {name} 设成空闲的端口。",
    ),
    "holder": ("{program} (process {pid})", "{program}(进程 {pid})"),
    "unknown_holder": ("a program of another user", "另一位用户的程序"),
    "port_forbidden": (
        "Port {port} may not be used by you ({why}). Set {name} to one above 1023.",
        "你无权使用端口 {port}({why})。请把 {name} 设成大于 1023 的端口。",
    ),
    "bad_host": (
        "HOST={host} is not an address of this machine ({why}). Write 127.0.0.1, or 0.0.0.0 for every address.",
        "HOST={host} 不是本机的地址({why})。请写 127.0.0.1;若要所有地址,写 0.0.0.0。",
    ),
    "same_port": (
        "{first} and {second} are both {port}. Give each its own port.",
        "{first} 和 {second} 都是 {port}。请各用一个端口。",
    ),
    # --- database and processes
    "migrating": ("Preparing the database", "正在准备数据库"),
    "migrate_failed": (
        "The database could not be prepared: {why} The whole story: {log}",
        "数据库没能准备好:{why} 详情:{log}",
    ),
    "no_tagger": (
        "Photographs are measured only (light and colours); the next start tries again. PHOTO_TAGS=no leaves it out.",
        "照片这次只看光线和颜色;下次启动会再试。不需要的话,设 PHOTO_TAGS=no。",
    ),
    "gathering": (
        "Fetching all poems of old beside (85 MB, once; {log}); until then lines are looked up in 9,000 of them. "
        "POEMS=no leaves it out.",
        "正在另取古诗词全集(85 MB,只此一次;{log});在那之前用随附的 9,000 首查出处。不需要的话,设 POEMS=no",
    ),
    "starting": ("Starting", "正在启动"),
    "ready": ("白露 is ready: {address}", "白露准备好了:{address}"),
    "how_to_stop": ("Ctrl+C stops everything. Logs are in {folder}", "按 Ctrl+C 全部停止。日志在 {folder}"),
    "model_loading": (
        "The model is still loading; writing already works",
        "模型还在加载;现在就可以写作",
    ),
    "model_ready": ("The model is ready", "模型准备好了"),
    "web_slow": (
        "The web process does not answer yet; see {log}",
        "网页进程还没有回应;见 {log}",
    ),
    "web_errs": (
        "The web process answers with an error ({status}); see {log}",
        "网页进程返回错误({status});见 {log}",
    ),
    "restarted": ("{name} stopped ({how}) and was started again", "{name} 停了({how}),已重新启动"),
    "keeps_stopping": (
        "{name} keeps stopping ({how}); see {log}",
        "{name} 不断停止({how});见 {log}",
    ),
    "supervisor_gone": (
        "The supervisor was killed; everything has been stopped. Start again with: make run",
        "进程管理器被杀掉了;已全部停止。重新启动:make run",
    ),
    "supervisor_failed": (
        "The supervisor did not start: {why} The whole story: {log}",
        "进程管理器没能启动:{why} 详情:{log}",
    ),
    "redis_moved": (
        "The embedded Redis could not read its file; it was moved to {folder}. No text was in it.",
        "内置 Redis 读不了它的文件;已移到 {folder}。里面没有你的文字。",
    ),
    "stopping": ("Stopping; press Ctrl+C again to stop at once", "正在停止;再按一次 Ctrl+C 立即停止"),
    "stopped": ("Stopped", "已停止"),
    "interrupted": ("Stopped; what was fetched is kept", "已停止;已取到的内容会保留"),
    "not_running": ("白露 is not running with {folder}", "{folder} 的白露没有在运行"),
    "not_stopping": (
        "Process {pid} did not stop within {seconds} s. Look at it with: ps -fp {pid}",
        "进程 {pid} 在 {seconds} 秒内没有停下。可查看:ps -fp {pid}",
    ),
    # --- the test suite
    "left_out": ("Left out: {what}: {why}", "没有运行:{what}:{why}"),
    "left_to": ("Left to {where}: {what}", "留给 {where}:{what}"),
}


def sentence(code: str, **values: object) -> str:
    return SENTENCES[code][speaks_chinese()].format(**values)


class Refusal(Exception):
    """The start cannot go on; `str()` is the one sentence that says why and how to mend it."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(sentence(code, **values))
        self.code = code
