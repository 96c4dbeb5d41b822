"""Rhymes as their book counts them: in 平水韵 阳 is the seventh of the lower level tone, 下平七阳; in 中华新韵 十唐."""

from inference.verse.options import FREE

UPPER = "东冬江支微鱼虞齐佳灰真文元寒删"
LOWER = "先萧肴豪歌麻阳庚青蒸尤侵覃盐咸"
BOOKS = {"pingshui": (("上平", UPPER), ("下平", LOWER)), "xinyun": (("", "麻波皆开微豪尤寒文唐庚齐支姑"),)}
NUMBERS = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二", "十三", "十四", "十五"]


def rhyme_name(rhyme: str, book: str = FREE.book) -> str:
    """The full name of a level rhyme; a rhyme of a book that counts none is called as it is."""
    for volume, rhymes in BOOKS.get(book, ()):
        if len(rhyme) == 1 and rhyme in rhymes:
            return f"{volume}{NUMBERS[rhymes.index(rhyme)]}{rhyme}"
    return rhyme
