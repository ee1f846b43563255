"""Hostile output through a terminal: the keeper and the stream must stand it, byte for byte."""

from labs.isolation.probe import Area, Probe, Who

AREA = Area(
    "terminals",
    (
        Probe(
            "escape-giant-parameters",
            "escape sequences with giant parameters, which freeze a careless screen",
            "for c in L M S T Z I b; do printf '\\033[999999999%s' $c; done",
            who=Who.TERMINAL,
        ),
        Probe(
            "escape-without-end",
            "a title without end",
            "printf '\\033]0;'; head -c 3000000 /dev/zero | tr '\\0' a; printf '\\007'",
            who=Who.TERMINAL,
        ),
        Probe(
            "escape-questions",
            "questions to the screen, whose answers would be typed",
            "printf '\\033[c\\033[>c\\033[6n\\033]52;c;?\\007\\033P$q\"p\\033\\\\'",
            who=Who.TERMINAL,
        ),
        Probe(
            "escape-broken-text",
            "half characters and every byte there is",
            "perl -e 'print map { chr } 0..255; print chr(0xe4), chr(0xb8)'",
            who=Who.TERMINAL,
        ),
        Probe(
            "output-flood",
            "a flood of output",
            "yes 0123456789012345678901234567890123456789 | head -c 8000000",
            who=Who.TERMINAL,
        ),
    ),
    together=1,
)
