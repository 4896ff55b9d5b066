"""The IPTC Media Topics of the topics that ship.

IPTC Media Topics, edition of 2023-10-24, (c) International Press Telecommunications Council, licensed CC BY 4.0
(https://creativecommons.org/licenses/by/4.0/); https://cv.iptc.org/newscodes/mediatopic/. Codes and names are unchanged.
"""

from collections.abc import Mapping

SUBJECTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "economy": (("medtop:04000000", "economy, business and finance"),),
    "crime": (("medtop:02000000", "crime, law and justice"),),
    "agriculture": (("medtop:20000210", "agriculture"),),
    "space": (("medtop:20000739", "space exploration"),),
    "military": (
        ("medtop:20000599", "armed forces"),
        ("medtop:20000056", "armed conflict"),
    ),
    "politics": (("medtop:11000000", "politics"),),
}


def subjects(topic: str | None) -> list[dict[str, str]]:
    """The media topics of a topic, as in a ninjs ``subject``; none for an unknown topic or None.

    >>> subjects("politics")
    [{'qcode': 'medtop:11000000', 'name': 'politics'}]
    """
    return [{"qcode": qcode, "name": name} for qcode, name in SUBJECTS.get(topic or "", ())]
