"""The characters that a poem of ours may use."""

# Characters that verse is fond of and that the everyday set below does not have.
VERSE = (
    "霁岚黛霏氤氲涟漪潋滟鹭鹂鸢鹧鸪鹃鹤鸥蜻蜓蟋蟀蝉萤蝶蛰螀衾笺箫笙笳瑟琵琶觞樽壶盏盅砚箬笠蓑簑篱扉牖轩榭槛砌阶墀庑阁汀渚洲浦溆涧"
    "沚湄澹澌淙潺湲漱滢泠泫涔滂沱潇湘沅岑岫峦嶂巅崦嵫峥嵘皋畹垄陂埂坞磬铎舸楫棹桡舷艄杳窅邈缈缥缱绻缟绡绮绫罗绛缃皎皓皑皤晦暝曛昕曦曙"
    "暾昃旻霰霙霭霾雾霞霓虹蕙芷芰荇荻菡萏苔藓蕨薇薜萝蓼莼藜蘅茱萸菖蒲葭蒹蓬蒿莽芜菁萼蕊葩芊芃蔓蘋柽椿榆槐柞楝梧桐桕棠棣桂楸枫槿"
    "竹筱筠篁箨箸粳黍稷粱菽醪醅酹酽漉燎爇炷烬熏灺阑珊踟蹰徜徉逶迤蹀躞伫眺瞰眄睇觑聆噤喑咽呜嘤啾唧喁呢喃叮咚"
    "怅惘怆恻怛悄惆怊悒悱惓惺忡愀憔悴慵恬憺怡袅娜娉婷妍媚姝嫣潸涕泗涓漪"
)


def _everyday() -> str:
    """The 3,755 characters of the first level of GB 2312: those in common use, in simplified script."""
    cells = (bytes((high, low)) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
    return "".join(cell.decode("gb2312", "ignore") for cell in cells)


HAN = "".join(sorted(set(_everyday()) | set(VERSE)))

# Characters that lean on the next one: a line of a fixed length that ends in one of these was cut, not finished.
LEANING = (
    "的地得从把被与和及跟或而且并但却也都就才向对于为以因由似如像若使让令将会能可该很"
    "太更最这那哪其所每某各吗呢吧啊个只些种在是有到给用想"
)
LAST = "".join(char for char in HAN if char not in LEANING)
