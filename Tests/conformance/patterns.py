"""What is expected, as text with holes.

`{A}` stands for one word that is not known before, an id for example. It is learnt where it is met first and is the
same from then on; and no two names stand for the same word, so `{A}` and `{B}` also say that two ids differ. `{*}`
stands for anything, also for nothing.
"""
import re

HOLE = re.compile(r"\{(\*|[A-Za-z][A-Za-z0-9]*)\}")


class Names:
    def __init__(self, **known):
        self.known = dict(known)

    def filled(self, text):
        """`text` with its holes filled, for what is sent: all have to be known."""
        return HOLE.sub(lambda hole: self.known[hole.group(1)], text)

    def match(self, pattern, text):
        """Whether they agree; then what the names stand for has been learnt."""
        learnt, expression, place = [], "", 0
        for hole in HOLE.finditer(pattern):
            expression += re.escape(pattern[place:hole.start()])
            place = hole.end()
            name = hole.group(1)
            if name == "*":
                expression += "(?:.|\n)*"
            elif name in self.known:
                expression += re.escape(self.known[name])
            elif name in learnt:
                expression += f"(?P={name})"
            else:
                learnt.append(name)
                expression += rf"(?P<{name}>[^\s,]+)"
        match = re.fullmatch(expression + re.escape(pattern[place:]), text)
        if not match:
            return False
        words = [match.group(name) for name in learnt]
        if len({*words, *self.known.values()}) < len(words) + len(self.known):
            return False
        self.known.update(zip(learnt, words))
        return True
