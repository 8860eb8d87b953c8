"""Text from outside (names, reasons, captions, paths) as text that a terminal, a page or a table can show."""

import re
import shlex

# Control characters (the escape that begins a terminal's commands among them), line and paragraph separators,
# what turns the direction of writing, and halves of characters, which no encoding takes.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""The text with every control character written out, so that it takes one line and does nothing.

    >>> printable("red: \x1b[31m, a break:\n, a name that is no UTF-8: \udcff")
    'red: \\x1b[31m, a break:\\n, a name that is no UTF-8: \\udcff'
    """
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def for_a_shell(text: str) -> str:
    """The text as one word of a command line, as people would quote it.

    >>> print(for_a_shell("er"), for_a_shell("stream(path='a b')"), for_a_shell("er(memory=5)"))
    er "stream(path='a b')" 'er(memory=5)'
    """
    if "'" in text and not set('"$`\\!') & set(text):
        return f'"{text}"'
    return shlex.quote(text)
