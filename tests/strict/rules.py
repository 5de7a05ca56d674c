"""The table of rules. Each names the fact it implements; a rule without one cannot be declared.

`FACTS` is the project's collection of facts about AWS; a citation is a section of it, `1.4` for instance, with `[G]` where the
fact itself is only general knowledge. A rule is on unless a test turns it off. Most rules are a function that runs before or
after the emulator; the others are asked for by name where a peering lives.
"""

import re
from dataclasses import dataclass

CITATION = re.compile(r"^(0|[1-5]\.[1-9])( \[G\])?(, (0|[1-5]\.[1-9])( \[G\])?)*$")


@dataclass(frozen=True)
class Rule:
    name: str
    facts: str
    says: str


TABLE = {}
BEFORE = []
AFTER = []
HANDLERS = {}


def declare(name, facts, says):
    """Enters a rule into the table."""
    if name in TABLE:
        raise ValueError(f"two rules are called {name}")
    if not CITATION.match(facts):
        raise ValueError(f"rule {name} cites no fact: {facts!r}")
    TABLE[name] = Rule(name, facts, says)


def _hook(kind, name, facts, says, actions):
    declare(name, facts, says)

    def register(function):
        kind.append((name, frozenset(actions), function))
        return function

    return register


def before(name, facts, says, *actions):
    """A rule that looks at a call, changes it or refuses it, before it is carried out. No action named: every EC2 call."""
    return _hook(BEFORE, name, facts, says, actions)


def after(name, facts, says, *actions):
    """A rule that looks at an answer and changes it. No action named: every EC2 call."""
    return _hook(AFTER, name, facts, says, actions)


def always_before(function):
    """Groundwork of several rules, which asks for each by name itself."""
    BEFORE.append((None, frozenset(), function))
    return function


def always_after(function):
    """The same for answers."""
    AFTER.append((None, frozenset(), function))
    return function


def handles(action):
    """Carries out `action` itself, in place of the emulator."""

    def register(function):
        HANDLERS[action] = function
        return function

    return register


def run(kind, world, call, *more):
    for name, actions, function in kind:
        if (not actions or call.action in actions) and (name is None or world.on(name)):
            function(world, call, *more)
