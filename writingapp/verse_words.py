"""What the page says of verse: a sentence for each form, a sentence for each fault, names for what is judged."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ABOUT: dict[str, Promise] = {
    "wujue": _(
        "Four lines of five characters. Tones alternate, each couplet answers itself, and the even lines rhyme."
    ),
    "qijue": _("Four lines of seven characters: one scene, one turn, one thought. The even lines rhyme."),
    "wulv": _("Eight lines of five characters. The two couplets in the middle are parallel, word against word."),
    "qilv": _(
        "Eight lines of seven characters, the strictest form: four even rhymes, parallel couplets in the middle."
    ),
    "yijiangnan": _(
        "“Remembering the South”: twenty-seven characters in five lines, a memory called up in one breath."
    ),
    "changxiangsi": _("“Long yearning”: short lines that rhyme every time, in two stanzas like waves."),
    "rumengling": _("“Like a dream”: six-character lines and a call of two characters, said twice."),
    "huanxisha": _("“Washing silk in the stream”: six lines of seven, three and three; close to regulated verse."),
    "pusaman": _("“Bodhisattva barbarian”: four couplets, and every couplet changes its rhyme."),
    "busuanzi": _("“Song of divination”: fives and a seven, twice, on oblique rhymes; plain and cool."),
    "xijiangyue": _("“Moon over the West River”: sixes around a seven; the last line of each stanza rhymes obliquely."),
    "qingpingle": _("“Clear and peaceful music”: an oblique stanza, then a level one, as a sky that clears."),
    "caisangzi": _("“Picking mulberries”: seven, four, four, seven, twice; light on its feet."),
    "jianzimulanhua": _("“Magnolia, shortened”: fours and sevens in pairs, and every pair changes its rhyme."),
    "langtaosha": _("“Waves wash the sand”: five, four, seven, seven, four, twice, all on one level rhyme."),
    "zhegutian": _("“Partridge sky”: a quatrain of sevens, then a second stanza that opens with two lines of three."),
    "linjiangxian": _("“Immortal by the river”: seven, six, seven, five, five, twice, on a level rhyme."),
    "dielianhua": _(
        "“Butterflies in love with flowers”: long lines around a four and a five, on close oblique rhymes."
    ),
    "yujiaao": _("“Fisherman’s pride”: every line rhymes, obliquely; one line of three breaks the sevens."),
    "dingfengbo": _("“Calming the storm”: sevens on a level rhyme, with two-character asides that rhyme obliquely."),
    "duilian": _("Two lines that mirror each other: as many characters, opposite tones, word against word."),
    "free": _("No count and no rhyme: the line ends where the breath does."),
    "haiku": _("Three short lines of 5, 7 and 5, one season, one moment."),
    "english": _("A poem in English, in lines of its own, rhymed or not."),
    "couplet": _("Two lines of eight to ten syllables that rhyme, and say one thing whole."),
    "quatrain": _("Four lines that rhyme, crosswise or in pairs."),
    "limerick": _("Five lines with a wink: two long, two short, one long, rhymed a a b b a."),
}

# Tunes that are made, and taught, by a pattern with fewer free places than the books of tunes have.
STRICTER = frozenset({"changxiangsi", "huanxisha", "zhegutian", "pusaman", "dielianhua"})
LOOSER = _("%(about)s Books of tunes leave a place or two more free than the signs here.")

# By the checkers' codes. The places in them: line, place, character, tone, wanted, rhyme, and what was asked for.
FAULTS: dict[str, Promise] = {
    "平仄": _("Line %(line)d, character %(place)d (%(character)s): its tone should be %(wanted)s and is %(tone)s."),
    "失对": _("Line %(line)d does not answer the line before it: their second characters should have opposite tones."),
    "失粘": _(
        "Line %(line)d does not hold on to the line before it: their second characters should have the same tone."
    ),
    "孤平": _("Line %(line)d leaves one level tone alone between oblique ones."),
    "三平调": _("Line %(line)d ends in three level tones."),
    "三仄尾": _("Line %(line)d ends in three oblique tones."),
    "同字": _("Character %(place)d, %(character)s, is the same in both lines."),
    "出韵": _("Line %(line)d: %(character)s does not belong to the rhyme %(rhyme)s."),
    "重韵": _("Line %(line)d: %(character)s has rhymed before."),
    "换韵": _("Line %(line)d: %(character)s should turn to a new rhyme here."),
    "押韵": _("Line %(line)d does not rhyme where it should."),
    "叠句": _("Line %(line)d should say once more what was said before it."),
    "字数": _("Line %(line)d has the wrong number of characters."),
    "写法": _("Line %(line)d is not written in words with a plain mark between them."),
    "音节": _("Line %(line)d has %(tone)s syllables; it should have %(wanted)s."),
    "藏头": _("Line %(line)d does not begin as was asked for: %(what)s"),
    "留句": _("Line %(line)d is not the line that was to stay: %(what)s"),
}
# Of the whole poem, where no line is named; and of a paired line that fails its fellow at one place.
WHOLE: dict[str, Promise] = {
    "字数": _("The poem has the wrong number of lines."),
    "行数": _("The poem has the wrong number of lines."),
    "意象": _("It was asked for and is not in it: %(what)s"),
    "藏头": _("No line is left for this head: %(what)s"),
    "留句": _("No line is left for this one, which was to stay: %(what)s"),
}
PAIRED = {"失对": _("Character %(place)d of both lines has the same tone; they should be opposite.")}
OTHERWISE = _("%(code)s, line %(line)d.")
OTHERWISE_WHOLE = _("%(code)s.")

# Why a poem is right, by the family of its form.
REASONS: dict[str, Promise] = {
    "regulated": _(
        "At even places the tones take turns; the two lines of a couplet oppose each other, and each couplet begins "
        "as the last one ended."
    ),
    "ci": _("A tune has its own pattern, which most poets kept to: the signs above are what it wants at each place."),
    "duilian": _("At the beats the two lines have opposite tones; the first ends oblique, the second level."),
}
RHYMING = _("Rhyme words: %(words)s, all of %(rhyme)s.")
RHYMING_IN_TURN = _("Rhyme words: %(words)s; the rhymes in turn: %(rhyme)s.")

TONES: dict[str, Promise] = {
    "平": _("level"),
    "仄": _("oblique"),
    "通": _("either"),
    "？": _("unknown"),
    "韵": _("level, a rhyme"),
    "叶": _("oblique, a rhyme"),
    "·": _("either"),
}

LINES = _("Number of lines")  # the size of verse that counts syllables

# What is judged, in the order of the page; each with the faults that speak against it. Those after the rhyme are told
# only where something is wrong.
ASPECTS: dict[str, tuple[Promise, frozenset[str]]] = {
    "size": (_("Length"), frozenset({"字数", "行数"})),
    "syllables": (_("Syllables"), frozenset({"音节"})),
    "tones": (_("Tones"), frozenset({"平仄", "失对", "失粘", "孤平", "三平调", "三仄尾", "同字"})),
    "rhyme": (_("Rhyme"), frozenset({"出韵", "重韵", "换韵", "押韵"})),
    "spelling": (_("Spelling"), frozenset({"写法"})),
    "repeat": (_("Repeated lines"), frozenset({"叠句"})),
    "asked": (_("What you asked for"), frozenset({"藏头", "意象", "留句"})),
}
