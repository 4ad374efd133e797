"""The action table: every key of the dashboard stands here and nowhere else.

An id is `place.verb`; a place is a part of the screen that answers to keys (a list, the logs, a page) or the
whole (`app`). A key means the same everywhere, as far as the place knows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple


class Action(NamedTuple):
    """Something a user can do in a place."""

    id: str
    keys: str
    """Textual's names of keys, the first the one that is shown; separated by commas."""
    label: str
    """One or two words for the footer and the palette."""
    help: str
    """A sentence for the list of keys."""
    footer: int = 0
    """How much it deserves room in the footer; 0: it is not shown there."""

    @property
    def place(self) -> str:
        """Where it belongs."""
        return self.id.partition(".")[0]

    @property
    def method(self) -> str:
        """The name of the method that does it."""
        return "do_" + self.id.replace(".", "_").replace("-", "_")


ACTIONS: tuple[Action, ...] = (
    Action("app.runs", "1", "Runs", "Go to the runs."),
    Action("app.compute", "2", "Compute", "Go to the machines."),
    Action("app.models", "3", "Models", "Go to the models."),
    Action("app.data", "4", "Data", "Go to the datasets, and to where data is kept."),
    Action("app.environments", "ctrl+n", "Environments", "Go to the environments; from a run, to its own."),
    Action("app.queue", "Q", "Queue", "Go to who runs and who waits on machines."),
    Action("app.forwards", "ctrl+o", "Ports", "Go to the ports of this machine that lead to others."),
    Action("app.comparisons", "ctrl+k", "Comparisons", "Go to the comparisons that were kept."),
    Action("app.activity", "7", "Activity", "Go to what takes long, what went wrong and what changed."),
    Action("app.prompt", "colon", "go to", "Go to a place by its name, such as runs/mnist or compute.", 20),
    Action("app.palette", "ctrl+p", "palette", "Find anything that can be done by typing part of its name."),
    Action("app.keys", "question_mark,f1", "all keys", "Show every key that works here.", 90),
    Action("app.back", "escape", "out", "Step out: close what is open, or go up one place.", 10),
    Action("app.quit", "q", "quit", "Leave the dashboard; runs go on.", 5),
    Action("app.earlier", "left_square_bracket", "back", "Go back to the place before."),
    Action("app.later", "right_square_bracket", "forward", "Go forward again after going back."),
    Action("app.last", "backspace", "last place", "Change between this place and the last one."),
    Action("app.theme", "T", "theme", "Choose the colours; moving over a name shows it at once."),
    Action("app.copy", "y", "copy", "Copy the id of what the cursor is on."),
    Action("app.copy-command", "Y", "copy command", "Copy the command line that does the same."),
    Action("app.copy-link", "L", "copy link", "Copy this place as a location for the command line."),
    Action("app.suspend", "ctrl+z", "suspend", "Step aside; fg in the shell comes back here."),
    Action("app.shell", "exclamation_mark", "shell", "Open a shell on the machine one looks at, else here."),
    Action("app.undo", "z", "undo", "Take back what was done last: an archive, tags."),
    Action("list.down", "down,j", "down", "Move down one row."),
    Action("list.up", "up,k", "up", "Move up one row."),
    Action("list.left", "left,h", "left", "Fold the group, or scroll left."),
    Action("list.right", "right,l", "right", "Unfold the group, or scroll right."),
    Action("list.first", "g,home", "first", "Go to the first row."),
    Action("list.last", "G,end", "last", "Go to the last row."),
    Action("list.half-down", "ctrl+d", "half down", "Move down half a page."),
    Action("list.half-up", "ctrl+u", "half up", "Move up half a page."),
    Action("list.page-down", "pagedown,ctrl+f", "page down", "Move down a page."),
    Action("list.page-up", "pageup,ctrl+b", "page up", "Move up a page."),
    Action("list.open", "enter", "open", "Open what the cursor is on.", 70),
    Action("page.filter", "slash", "filter", "Show only what fits the words one types.", 60),
    Action("tabs.next", "tab", "next tab", "Go to the tab to the right.", 40),
    Action("tabs.previous", "shift+tab", "previous tab", "Go to the tab to the left."),
    Action("runs.compare", "c", "compare", "Compare the marked runs side by side.", 65),
    Action("runs.children", "plus", "children", "Show the runs below it behind it, or fold them.", 28),
    Action("runs.cancel", "x", "cancel", "End the run and everything it started, after a yes.", 56),
    Action("runs.again", "r", "run again", "Run the same once more, with the code it had.", 45),
    Action("runs.new", "R", "new run", "Send a directory's command to a machine.", 54),
    Action("runs.stack", "W", "stacks", "Show where every process of the run is, also when it hangs."),
    Action("runs.tensorboard", "B", "TensorBoard", "Start TensorBoard where the run is, and open it here."),
    Action("runs.jupyter", "J", "Jupyter", "Start Jupyter in the run's folder, and open it here."),
    Action("runs.note", "e", "note", "Write the run's note in $EDITOR."),
    Action("runs.tag", "t", "tag", "Set and take away tags."),
    Action("runs.remove", "delete", "archive", "Take the run out of the list; what it left stays."),
    Action("runs.export", "ctrl+g", "hand on", "Write the runs as one file to give to somebody."),
    Action("runs.promote", "p", "promote", "Register the run's files as a model, and promote it.", 44),
    Action("runs.import", "i", "import", "Import runs that other tools logged, here or on a machine."),
    Action("views.group", "b", "group", "Let runs stand under what they share: a param, a tag, a state."),
    Action("views.open", "w", "views", "Open a saved view of the list, or save what is seen as one."),
    Action("views.plot", "P", "plot", "Draw the marked runs, or all of the list, as dots: lr against loss."),
    Action("models.promote", "p", "promote", "Give the version an alias, after the gate's verdict.", 65),
    Action("models.evaluate", "E", "evaluate", "Measure the version as its gate asks, or by a job file."),
    Action("models.rollback", "u", "roll back", "Take an alias's newest move back, after a yes.", 50),
    Action("models.gate", "e", "gate", "Change the model's rules and protected aliases.", 45),
    Action("models.alias", "a", "alias", "Give the version an alias past the gate, or take one away.", 40),
    Action("models.run", "o", "its run", "Go to the run that the version came from.", 35),
    Action("models.tag", "t", "tag", "Set and take away tags of the version."),
    Action("models.fetch", "d", "download", "Save the version's files in this directory."),
    Action("models.remove", "delete", "remove", "Remove the version for good, after its name."),
    Action("data.register", "n", "register", "Make a dataset, or its next version: nothing is copied.", 60),
    Action("data.bring", "b", "bring", "Have its files in a machine's cache before a run wants them.", 52),
    Action(
        "data.verify", "v", "verify", "Look whether its files are what they were, as far as one asks.", 50
    ),
    Action(
        "data.profile", "P", "profile", "Have a run count what the table's columns hold, where it lies.", 48
    ),
    Action("data.locate", "m", "locations", "Say where the same files lie on machines already.", 44),
    Action("data.run", "o", "its run", "Go to the run that made the version.", 35),
    Action("data.describe", "e", "describe", "Say what the version is."),
    Action("data.tag", "t", "tag", "Set and take away tags of the version."),
    Action("data.fetch", "d", "download", "Save the version's files in this directory."),
    Action("data.archive", "A", "archive", "Hide the version from lists, or bring it back."),
    Action("data.remove", "delete", "forget", "Forget the version, after its name; the data itself stays."),
    Action(
        "datastores.add", "n", "add", "Name a place that holds data: a folder, a machine's, a bucket.", 60
    ),
    Action("datastores.check", "v", "check", "Look whether the datastore answers.", 50),
    Action("datastores.default", "D", "default", "Let it be the one that is meant when none is named.", 40),
    Action("datastores.remove", "delete", "forget", "Forget the datastore; what is in it stays."),
    Action("environments.build", "b", "build", "Have it ready on a machine; its log as it comes.", 62),
    Action(
        "environments.diff", "c", "compare", "Show how two marked versions differ, or this from the last.", 58
    ),
    Action("environments.register", "n", "register", "Make a version of a file, an image or a preset.", 54),
    Action("environments.alias", "a", "alias", "Let an alias mean the version, or take one away.", 40),
    Action("environments.tag", "t", "tag", "Set and take away tags of the version."),
    Action("environments.archive", "delete", "archive", "Hide the version from lists, or bring it back."),
    Action("builds.log", "f", "build log", "Show what the build said, as it comes.", 56),
    Action(
        "builds.prune", "X", "prune", "Remove marked builds from their machines, unless they are used.", 50
    ),
    Action("builds.again", "ctrl+r", "ask anew", "Ask the machines again."),
    Action("build-log.end", "x", "end it", "End the build, unless a run waits for it as well.", 60),
    Action("compute.attach", "a", "attach", "Attach a machine: a Host of ~/.ssh/config or an address.", 60),
    Action("compute.run", "r", "run here", "Send a directory's command to this machine.", 55),
    Action("compute.new", "R", "new run", "Send a directory's command to a machine."),
    Action("compute.measure", "u", "measure", "Show utilisation, memory, temperature or power of GPUs.", 42),
    Action("compute.login", "I", "sign in", "Give the machine the password or code it asks for.", 45),
    Action("compute.doctor", "D", "doctor", "Check the machine; each finding says what to do.", 50),
    Action("compute.edit", "e", "settings", "Change the machine's settings."),
    Action("compute.detach", "delete", "detach", "Forget the machine; nothing there is touched."),
    Action("compute.files", "F", "files", "Look through the machine's files."),
    Action("compute.room", "U", "disk use", "Show what runs keep on the machine, and remove what may go."),
    Action("compute.exec", "X", "command", "Run a command on the marked machines; see what each says."),
    Action("compute.power", "O", "on or off", "Start, stop or restart the machine by its own commands."),
    Action("compute.cordon", "d", "cordon", "Cordon or drain the machine, or let runs start there again."),
    Action("machine.cordon", "d", "cordon", "Cordon or drain the machine, or let runs start there again."),
    Action("machine.power", "O", "on or off", "Start, stop or restart the machine by its own commands."),
    Action(
        "machine.room", "U", "disk use", "Show what runs keep on the machine, and remove what may go.", 26
    ),
    Action("machine.files", "F", "files", "Look through the machine's files.", 28),
    Action("machine.login", "I", "sign in", "Give the machine the password or code it asks for."),
    Action("machine.doctor", "D", "doctor", "Check the machine; each finding says what to do.", 50),
    Action("machine.edit", "e", "settings", "Change the machine's settings.", 30),
    Action("machine.detach", "ctrl+x", "detach", "Forget the machine; nothing there is touched."),
    Action("processes.logs", "f", "logs", "Follow the log of the run that the process belongs to.", 55),
    Action("processes.end", "X", "end process", "End a process of yours, after a yes; again kills it.", 35),
    Action("history.span", "b", "10 min / 12 h", "Look back ten minutes by the second, or twelve hours.", 60),
    Action("queue.hold", "H", "hold", "Keep runs from starting until they are released.", 62),
    Action("queue.release", "U", "release", "Let runs on hold start again; they kept their places.", 61),
    Action("queue.earlier", "shift+up,less_than_sign", "earlier", "Go ahead of your run before them.", 55),
    Action("queue.later", "shift+down,greater_than_sign", "later", "Let your run behind them go ahead.", 39),
    Action("queue.priority", "P", "priority", "Give runs that wait another priority.", 58),
    Action("activity.silence", "m", "silence", "Let the alert's rule call nobody for a while.", 60),
    Action("activity.subscribe", "a", "subscribe", "Hear of events: the bell, a command, a webhook.", 50),
    Action("activity.test", "t", "try it", "Hand a made-up event to the subscription."),
    Action("activity.unsubscribe", "delete", "end it", "End the subscription, after a yes."),
    Action("activity.room", "U", "disk use", "Show what is kept here, and remove what belongs to no run."),
    Action("activity.rules", "H", "rules", "Show when machines call, with the settings as they are."),
    Action("files.view", "o", "look", "Fetch the file and show it with $PAGER.", 55),
    Action("files.fetch", "d", "download", "Save the file, or the marked ones, in this directory.", 60),
    Action("room.prune", "delete", "remove", "Remove what may go, of the marked runs alone if some are.", 62),
    Action("room.rules", "e", "rules", "Say what may go: how old, and what stays at any age.", 60),
    Action("room.folders", "F", "files", "Look through the folders there; U counts what each takes.", 40),
    Action("room.again", "ctrl+r", "count anew", "Count what is there now."),
    Action("browse.up", "minus", "up", "Go to the folder above; left does it too.", 62),
    Action("browse.pager", "o", "look", "Fetch the file and show it with $PAGER."),
    Action("browse.fetch", "d", "download", "Save what is marked in this directory of this side.", 58),
    Action("browse.send", "u", "upload", "Bring a file or folder of this side here.", 56),
    Action("browse.move", "m", "move", "Give it another name or place.", 44),
    Action("browse.copy", "c", "copy", "Copy it on the machine."),
    Action("browse.mkdir", "n", "new folder", "Make a folder here."),
    Action("browse.remove", "delete", "remove", "Remove it for good, after a yes; folders want a name.", 42),
    Action("browse.import", "i", "import runs", "Import runs that other tools logged there."),
    Action("browse.use", "U", "disk use", "Count what takes the room in this folder.", 54),
    Action("browse.hidden", "full_stop", "hidden", "Show names that begin with a dot, or hide them."),
    Action("browse.again", "ctrl+r", "list anew", "List the folder as it is now."),
    Action("children.compare", "c", "compare", "Compare the marked children, or all of them.", 60),
    Action("children.unfold", "plus", "unfold", "Show the runs below it behind it, or fold them.", 50),
    Action("snapshot.save", "d", "save zip", "Save the snapshot as a zip in this directory.", 60),
    Action("metrics.filter", "slash", "filter", "Show only metrics whose name has the words one types.", 63),
    Action("values.way", "n", "other way", "Counts or shares of a matrix, ROC or precision over recall.", 52),
    Action("values.earlier", "less_than_sign", "earlier", "Show what was logged under the name before."),
    Action("values.later", "greater_than_sign", "later", "Show what was logged under the name after that."),
    Action("values.large", "full_stop", "large", "Give what is shown all the room, or the list.", 48),
    Action("values.outside", "o", "outside", "Open the picture in the viewer of this desk.", 44),
    Action("compare.plot", "P", "plot", "Draw the compared runs as dots: a param against a metric."),
    Action("compare.all", "a", "all or differing", "Show what is the same, too, or only what differs.", 50),
    Action("compare.baseline", "b", "baseline", "Choose the run that all others are held against.", 48),
    Action("compare.save", "w", "keep", "Keep the comparison under a name: compare/NAME opens it.", 46),
    Action("compare.note", "e", "note", "Write the comparison's note in $EDITOR.", 44),
    Action("compare.report", "d", "report", "Write a report as one HTML file in this directory.", 43),
    Action("saved.remove", "delete", "forget", "Forget the comparison; its runs stay as they are.", 50),
    Action("differences.save", "ctrl+s", "save", "Write the chart to a file: a picture, or its values."),
    Action("differences.chart", "full_stop", "large chart", "Give the chart all the room, or the table.", 55),
    Action("welcome.attach", "space", "attach", "Attach the host under the cursor.", 70),
    Action("welcome.other", "a", "another", "Attach a machine by its address.", 60),
    Action("welcome.demo", "d", "demo", "See the whole loop on two machines made up on the spot.", 50),
    Action("forwards.add", "a", "forward a port", "Lead a port of this machine to one of another.", 60),
    Action("forwards.open", "o", "browser", "Open its page in a browser; without one its URL is copied.", 65),
    Action("forwards.close", "delete", "close", "Close it; a tool that was started for it ends.", 50),
    Action("stacks.again", "r", "again", "Ask the run's processes again.", 60),
    Action("stacks.pager", "o", "pager", "Show all of it in $PAGER."),
    Action("dialog.cancel", "escape", "cancel", "Leave the dialog; nothing happens."),
    Action("pick.down", "down", "down", "Move down in what can be picked."),
    Action("pick.up", "up", "up", "Move up in what can be picked."),
    Action("marks.toggle", "space", "mark", "Mark the row, or the group's rows; again takes it away.", 60),
    Action("marks.range", "ctrl+space,ctrl+@", "mark to here", "Mark all rows from the last mark to here."),
    Action("marks.all", "asterisk", "mark all", "Mark all rows of the list; again takes all marks away."),
    Action("table.sort", "s", "sort", "Sort the rows by a column."),
    Action("table.reverse", "S", "reverse", "Turn the order of the rows around."),
    Action("table.columns", "C", "columns", "Choose which columns are shown, and in which order."),
    Action("columns.toggle", "space", "show", "Show the column, or leave it out.", 60),
    Action("columns.earlier", "K,shift+up", "earlier", "Move the column towards the first.", 40),
    Action("columns.later", "J,shift+down", "later", "Move the column towards the last.", 40),
    Action("columns.narrower", "less_than_sign", "narrower", "Take a cell from the column."),
    Action("columns.wider", "greater_than_sign", "wider", "Give the column a cell more."),
    Action("columns.usual", "0", "as usual", "Show the usual columns in the usual order.", 30),
    Action("columns.filter", "slash", "find", "List only columns whose names have the words one types.", 50),
    Action("logs.search", "slash", "search", "Look for a text, or for a regular expression as /.../.", 60),
    Action("logs.next", "n", "next match", "Go to the next line that matches.", 58),
    Action("logs.previous", "N", "previous match", "Go to the line before that matches.", 57),
    Action("logs.error", "E", "first error", "Go to the first line that tells of an error, then on.", 55),
    Action("logs.error-before", "ctrl+e", "error before", "Go to the line before that tells of an error."),
    Action("logs.follow", "f", "follow", "Stay at the end while output comes, or hold still.", 50),
    Action("logs.wrap", "w", "wrap", "Break long lines, or let them run out of sight.", 40),
    Action("logs.times", "i", "times", "Show or hide when lines came, by the machine's clock.", 35),
    Action("logs.numbers", "number_sign", "line numbers", "Show or hide line numbers."),
    Action("many-logs.other", "a", "other log", "Show another log: of a rank, an attempt, a child run.", 45),
    Action("many-logs.beside", "A", "log beside", "Show another log beside this one, four at most.", 30),
    Action("many-logs.merge", "M", "merge", "Merge the logs shown, or all ranks', by time into one."),
    Action("many-logs.close", "D", "close log", "Close the log that one is in."),
    Action("many-logs.next", "semicolon", "next log", "Go to the next of the logs that are shown."),
    Action("many-logs.same-time", "equals_sign", "same time", "Bring the other logs to this one's time."),
    Action("many-logs.attempt", "right_parenthesis", "next attempt", "Go to where the next attempt begins."),
    Action("many-logs.attempt-before", "left_parenthesis", "attempt before", "Go to where an attempt began."),
    Action("logs.pager", "o", "pager", "Show the log in $PAGER, as it is now."),
    Action("chart.left", "left,h", "read left", "Move the cursor left and read the values there."),
    Action("chart.right", "right,l", "read right", "Move the cursor right and read the values there.", 64),
    Action("chart.leap-left", "ctrl+left", "leap left", "Move the cursor left by a tenth of the view."),
    Action("chart.leap-right", "ctrl+right", "leap right", "Move the cursor right by a tenth of the view."),
    Action("chart.first", "g,home", "first", "Put the cursor on the first value."),
    Action("chart.last", "G,end", "last", "Put the cursor on the last value."),
    Action("chart.up", "up,k", "curve before", "Make the curve before the current one."),
    Action("chart.down", "down,j", "curve after", "Make the curve after the current one."),
    Action("chart.toggle", "space", "hide", "Hide the current curve, or show it again.", 45),
    Action("chart.zoom-in", "plus,equals_sign", "zoom in", "See half as much, around the cursor.", 63),
    Action("chart.zoom-out", "minus", "zoom out", "See twice as much, around the cursor."),
    Action("chart.whole", "0", "whole", "See the whole again.", 30),
    Action("chart.pan-left", "shift+left", "pan left", "See what lies left."),
    Action("chart.pan-right", "shift+right", "pan right", "See what lies right."),
    Action("chart.log-y", "v", "log y", "Change between a linear and a logarithmic axis of values.", 62),
    Action("chart.log-x", "V", "log x", "Change between a linear and a logarithmic x axis."),
    Action("chart.smoother", "m", "smoother", "Smooth more; the line as it was stays dim behind.", 61),
    Action("chart.rougher", "M", "rougher", "Smooth less."),
    Action("chart.next-x", "i", "x axis", "Change what x is: step, duration, time, a metric.", 57),
    Action("chart.save", "ctrl+s", "save", "Write the chart to a file: a picture, or its values."),
    Action("dots.left", "left,h", "left", "Look at the run with the next smaller x."),
    Action("dots.right", "right,l", "right", "Look at the run with the next larger x.", 64),
    Action("dots.up", "up,k", "up", "Look at the run with the next larger y.", 58),
    Action("dots.down", "down,j", "down", "Look at the run with the next smaller y."),
    Action("dots.open", "enter", "open", "Open the run that is looked at.", 70),
    Action("dots.log-y", "v", "log y", "Change between a linear and a logarithmic y axis.", 50),
    Action("dots.log-x", "V", "log x", "Change between a linear and a logarithmic x axis.", 39),
    Action("scatter.x-axis", "i", "x axis", "Choose what stands on the x axis: a param, a metric.", 56),
    Action("scatter.y-axis", "I", "y axis", "Choose what stands on the y axis: a metric, a param.", 55),
    Action("scatter.save", "ctrl+s", "save", "Write the picture to a file: .svg, or its values: .csv."),
    Action("multiples.save", "ctrl+s", "save", "Write the chart under the cursor to a file: .svg or .csv."),
    Action("multiples.log-y", "v", "log y", "Change between linear and logarithmic axes of values.", 62),
    Action("multiples.smoother", "m", "smoother", "Smooth all curves more.", 61),
    Action("multiples.rougher", "M", "rougher", "Smooth all curves less."),
    Action("multiples.next-x", "i", "x axis", "Change what x is: step, duration, time, a metric.", 57),
)
"""In the order the list of keys shows them."""


OPENS_LINE = frozenset({
    "app.prompt", "app.keys", "page.filter", "logs.search", "metrics.filter", "chart.save",
    "multiples.save", "differences.save", "scatter.save", "scatter.x-axis", "scatter.y-axis", "runs.new",
    "runs.tag", "runs.import", "browse.import", "compute.run", "compute.new", "compute.attach",
    "welcome.other", "queue.priority", "data.register", "data.bring", "data.locate", "data.describe",
    "data.tag", "data.profile", "data.verify", "datastores.add", "environments.build",
    "environments.register", "environments.alias", "environments.tag", "columns.filter",
})  # fmt: skip
"""Actions that open a line one types into: the keys that follow are meant for it."""


@cache
def by_id() -> dict[str, Action]:
    """Every action by its id."""
    return {action.id: action for action in ACTIONS}


@cache
def _by_place() -> dict[str, list[tuple[int, Action]]]:
    """The actions of each place with where they stand in the table; every footer that is drawn asks."""
    found: dict[str, list[tuple[int, Action]]] = {}
    for number, action in enumerate(ACTIONS):
        found.setdefault(action.place, []).append((number, action))
    return found


def of_places(places: Iterable[str]) -> list[Action]:
    """The actions of these places, in the table's order."""
    known = _by_place()
    return [action for _, action in sorted(each for place in set(places) for each in known.get(place, ()))]


def conflicts(places: Iterable[str]) -> list[tuple[str, str, str]]:
    """Keys that two actions of these places have, as (key, id, id)."""
    seen: dict[str, str] = {}
    found = []
    for action in of_places(places):
        for key in action.keys.split(","):
            if key in seen:
                found.append((key, seen[key], action.id))
            seen.setdefault(key, action.id)
    return found
