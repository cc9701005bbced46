"""The first node of the chain (`wit/chain`): cuts text into words and keeps them."""

from typing import Optional

from wit_world import exports
from wit_world.exports import words


class Document(words.Document):
    def __init__(self, text: str) -> None:
        self.words = text.split()

    def count(self) -> int:
        return len(self.words)

    def word(self, index: int) -> Optional[str]:
        return self.words[index] if index < len(self.words) else None


class Words(exports.Words):
    def longest(self, of: Document) -> Optional[str]:
        # The first of those that are equally long.
        return max(of.words, key=len, default=None)
