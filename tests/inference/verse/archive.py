"""A package of poems as the real one is laid out, with a handful of them."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

FILES: dict[str, list[dict[str, Any]]] = {
    "quantangshi/poet.tang.0": [
        {"author": "朱斌", "title": "登樓", "paragraphs": ["白日依山盡，黃河入海流。", "欲窮千里目，更上一層樓。"]},
        {
            "author": "王之涣",
            "title": "登鸛雀樓",
            "paragraphs": ["白日依山盡，黃河入海流。", "欲窮千里目，更上一層樓。"],
        },
        {"author": "李白", "title": "靜夜思", "paragraphs": ["床前看月光，疑是地上霜。", "舉頭望山月，低頭思故鄉。"]},
    ],
    "rank/poet/poet.tang.rank.0": [{"baidu": 10}, {"baidu": 900_000}, {"baidu": 800_000}],
    "quantangshi/poet.song.0": [
        {"author": "某人", "title": "集句", "paragraphs": ["白日依山盡，秋風又一年。", "山僧無一事，流水自潺潺。"]},
        {"author": "林逋", "title": "山園小梅", "paragraphs": ["疏影橫斜水清淺，暗香浮動月黃昏。"]},
    ],
    "rank/poet/poet.song.rank.0": [{"baidu": 5}, {"baidu": 700_000}],
    "songci/ci.song.0": [{"author": "苏轼", "rhythmic": "水调歌头", "paragraphs": ["但愿人长久，千里共婵娟。"]}],
    "shijing/shijing": [{"title": "关雎", "content": ["关关雎鸠，在河之洲。", "琴瑟友之𠀀窈窕淑女。"]}],
    "nalanxingde/纳兰性德诗集": [
        {"title": "木兰花令", "author": "纳兰性德", "para": ["人生若只如初见，何事秋风悲画扇"]}
    ],
    "quantangshi/authors.tang": [{"name": "李白", "desc": "白日依山尽"}],
}


def write(path: Path) -> Path:
    """Write the package's file."""
    with tarfile.open(path, "w:gz") as package:
        for name, poems in FILES.items():
            told = json.dumps(poems, ensure_ascii=False).encode()
            entry = tarfile.TarInfo(f"package/dist/{name}.json")
            entry.size = len(told)
            package.addfile(entry, io.BytesIO(told))
    return path
