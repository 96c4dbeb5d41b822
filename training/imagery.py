"""What a writer could have wished for, had she wished for this poem: its title if that says something, or its images.

Old titles name people, offices and occasions; a writer at dawn names a thing, a place or an hour.
"""

import re
from itertools import combinations

# The plainest things that Tang verse looks at; two characters before one, for 明月 says more than 月.
WORDS = (
    "明月 秋月 春月 残月 秋风 春风 东风 西风 清风 夜雨 春雨 秋雨 细雨 风雨 落花 桃花 梅花 菊花 荷花 杨花 芦花 杏花 "
    "梨花 春草 芳草 青草 落叶 红叶 黄叶 杨柳 垂柳 青松 孤松 竹林 修竹 青苔 白云 孤云 浮云 暮云 夕阳 斜阳 落日 朝霞 "
    "晚霞 秋霜 白露 寒霜 积雪 残雪 春雪 江水 春水 秋水 流水 寒江 清溪 山泉 孤舟 扁舟 渔舟 归舟 钓船 空山 青山 远山 "
    "寒山 深山 古寺 山寺 钟声 晚钟 疏钟 孤灯 残灯 灯火 归雁 孤雁 飞鸟 归鸟 黄莺 燕子 白鹭 沙鸥 蝉声 寒蝉 猿声 鸡鸣 "
    "柴门 茅屋 小桥 石桥 渡口 江村 山村 故园 故乡 炊烟 棋声 琴声 笛声 酒杯 茶烟 清晨 清明 重阳 除夜 中秋 寒食 "
    "月 雪 雨 霜 露 雾 云 风 花 柳 竹 松 梅 菊 荷 苔 雁 莺 燕 鹭 蝉 萤 马 舟 帆 桥 灯 钟 笛 琴 酒 茶 炉 窗 井 渡 溪 泉 "
    "江 湖"
)
IMAGES = WORDS.split()
HOURS = {"春": "春天", "秋": "秋天", "晓": "清晨", "暮": "黄昏", "夜": "夜里", "寒": "冷天"}
# To somebody, by command, after somebody's rhymes, on a death or an office: words of an occasion that is gone.
OCCASION = re.compile(
    r"[赠寄送别酬和答贺谢上呈献奉挽吊哭祭代拟效赋次韵饯陪侍同留]|应制|应教|应诏|乐章|乐府|歌辞|郊庙|[偈颂赞铭]|"
    r"[公卿相侍郎御史员外判官使君少府明府太守刺史尚书将军上人禅师道士先生处士秀才主簿]{2}|第?[一二三四五六七八九十]+[首]?"
)
ELSEWHERE = re.compile(r"[诏帝圣臣朕仙佛禅丹禹尧舜]|君王|天子|征战|将军|英雄")  # courts, heavens, wars
SHORT = range(2, 6)  # characters of a title that could be a wish


def images(text: str) -> list[str]:
    """The images in a poem, those of two characters first; 月 is not named beside 明月."""
    found: list[str] = []
    for image in IMAGES:
        if image in text and not any(image in longer for longer in found):
            found.append(image)
    return found


def wishes(title: str, text: str) -> list[str]:
    """What could be asked for and be answered by this poem, the likeliest first."""
    telling = bool(images(title)) or not HOURS.keys().isdisjoint(title)
    named = [title] if telling and len(title) in SHORT and not OCCASION.search(title) else []
    seen = images(text)
    hour = next((HOURS[char] for char in text if char in HOURS), "")
    told = [f"{hour}的{image}" for image in seen[:2] if hour and not set(hour) & set(image)]
    pairs = ["和".join(pair) for pair in combinations(seen[:3], 2)]
    return list(dict.fromkeys([*named, *told, *seen[:2], *pairs]))
