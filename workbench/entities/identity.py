"""Identities: run ids, display names, and the ways to refer to a run."""

from __future__ import annotations

import random

from workbench.remote.forms.run_ids import ALPHABET, make_run_id

__all__ = ["display_name", "make_run_id", "run_id_milliseconds"]

_ADJECTIVES = (
    "amber able agile airy ample apt brisk bold blue bright busy calm clear clever cool coral crisp "
    "deft dry dull eager early easy fair fast fine firm fleet fond free fresh gentle glad golden grand "
    "green happy hardy hazy ideal jolly keen kind late lean light lively lone loud lucid lunar mellow "
    "merry mild misty neat nimble noble odd pale plain polar proud pure quick quiet rapid rare ready "
    "royal ruby rustic sharp shy silent silver sleek slim smart snowy soft solar solid sonic stark "
    "still stout sunny super sure sweet swift tame tidy true vast vivid warm wary wild wise witty young "
    "zany zesty"
).split(" ")
_ANIMALS = (
    "adder ant ape badger bat bear beaver bee bison boar bream bunny carp cat clam cobra cod colt "
    "condor coot coral cow crab crane crow cub deer dingo dodo doe dove drake duck eagle eel egret "
    "eland elk emu falcon fawn ferret finch fox frog gecko gibbon gnu goat goose grebe gull hare hawk "
    "hen heron hound ibex ibis impala jackal jay kite kiwi koala lamb lark lemur lion llama loon lynx "
    "magpie marlin marten mink mole moose moth mouse mule newt ocelot orca oryx otter owl ox panda "
    "parrot perch pika pike pony puffin puma quail rabbit ram raven ray robin rook salmon seal shark "
    "sheep shrew shrike skunk sloth snail snipe sole stag stoat stork swan swift tapir teal tern tiger "
    "toad trout tuna turtle viper vole walrus wasp weasel whale wolf wombat wren yak zebra"
).split(" ")


def run_id_milliseconds(run_id: str) -> int:
    """When a run id was made, in milliseconds since 1970."""
    number = 0
    for character in run_id:
        number = (number << 5) | ALPHABET.index(character)
    return number >> 80


def display_name(run_id: str, number: int) -> str:
    """A name one can say, the same for the same id and number: calm-otter-42."""
    choice = random.Random(run_id)
    return f"{choice.choice(_ADJECTIVES)}-{choice.choice(_ANIMALS)}-{number}"
