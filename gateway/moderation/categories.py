"""The categories of moderation: our own, those of OpenAI, and which of theirs ours belong to."""

TEST = "test"
"""Of the phrase that lets anyone try a refusal."""

OPENAI = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit"),
    *("illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual"),
    *("sexual/minors", "violence", "violence/graphic"),
)
OWN = ("weapons", "drugs", "self_harm", "sexual_minors", "extremism")
CATEGORIES = (*OWN, *OPENAI)
"""What a rule may be of."""

BELONGS_TO = {
    "weapons": ("illicit", "illicit/violent"),
    "drugs": ("illicit",),
    "self_harm": ("self-harm",),
    "sexual_minors": ("sexual", "sexual/minors"),
    "extremism": ("illicit", "illicit/violent"),
    "harassment/threatening": ("harassment",),
    "hate/threatening": ("hate",),
    "illicit/violent": ("illicit",),
    "self-harm/instructions": ("self-harm",),
    "self-harm/intent": ("self-harm",),
    "sexual/minors": ("sexual",),
    "violence/graphic": ("violence",),
}
"""A category → the OpenAI categories that a text of it is of, too."""
