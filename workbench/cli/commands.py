"""The table of all commands: names, places, a line of help each. Importing it imports none of them."""

from __future__ import annotations

from workbench.cli.command import Entry, Section

RUN = {
    "ls": Entry("workbench.cli.runs:ls", "List runs, newest first."),
    "show": Entry("workbench.cli.runs:show", "Show one run."),
    "logs": Entry("workbench.cli.run_logs:logs", "Print what a run wrote; -f follows."),
    "metrics": Entry(
        "workbench.cli.run_metrics:metrics", "List a run's metrics, print or plot their points."
    ),
    "compare": Entry("workbench.cli.run_compare:compare", "Show what differs between runs."),
    "plot": Entry("workbench.cli.run_scatter:plot", "Draw runs as dots: a param against a metric."),
    "diff": Entry(
        "workbench.cli.run_compare:diff", "Show how two runs' code differs, or what one had uncommitted."
    ),
    "files": Entry("workbench.cli.run_files:files", "List the files a run kept."),
    "download": Entry("workbench.cli.run_files:download", "Fetch files of a run."),
    "snapshot": Entry("workbench.cli.run_files:snapshot", "List or save the code a run ran with."),
    "cancel": Entry("workbench.cli.run_changes:cancel", "Cancel runs."),
    "hold": Entry("workbench.cli.queue:hold", "Keep waiting runs from starting."),
    "release": Entry("workbench.cli.queue:release", "Let runs on hold start again."),
    "move": Entry("workbench.cli.queue:move", "Change the order of your waiting runs."),
    "priority": Entry("workbench.cli.queue:priority", "Give waiting runs another priority."),
    "wait": Entry("workbench.cli.run_logs:wait", "Wait until runs end; exit by their outcome."),
    "rerun": Entry("workbench.cli.run_again:rerun", "Submit a run again, as a new run."),
    "resume": Entry("workbench.cli.run_again:resume", "Start a new attempt in the run's folder."),
    "shell": Entry("workbench.cli.shell:run_shell", "Open a shell in a run's folder, as the run finds it."),
    "forward": Entry("workbench.cli.forwards:run_forward", "Lead a port of this machine to a run's."),
    "children": Entry("workbench.cli.run_children:children", "List the runs below a run."),
    "comparisons": Entry(
        "workbench.cli.comparisons:comparisons", "List saved comparisons, write their notes, forget one."
    ),
    "views": Entry("workbench.cli.run_views:views", "List saved views, show one, save or remove it."),
    "import": Entry("workbench.cli.run_import:bring", "Bring in runs that other tools logged."),
    "report": Entry("workbench.cli.run_report:report", "Write what there is to say of runs as a document."),
    "export": Entry("workbench.cli.run_export:export", "Write runs as one file, to give to somebody."),
    "stack": Entry("workbench.cli.run_stack:stack", "Show where a run's processes are, also when it hangs."),
    "tag": Entry("workbench.cli.run_changes:tag", "Set and remove tags."),
    "note": Entry("workbench.cli.run_changes:note", "Read or write a run's description and name."),
    "archive": Entry("workbench.cli.run_changes:archive", "Hide runs from lists, or bring them back."),
    "rm": Entry("workbench.cli.run_changes:remove", "Remove ended runs for good."),
}
POOL = {
    "ls": Entry("workbench.cli.pools:ls", "List pools."),
    "set": Entry("workbench.cli.pools:change", "Make a pool of machines, or change it."),
    "rm": Entry("workbench.cli.pools:remove", "Forget a pool."),
}
COMPUTE: dict[str, Entry | Section] = {
    "attach": Entry("workbench.cli.compute_attach:attach", "Attach a machine over SSH, or this one."),
    "login": Entry("workbench.cli.compute_attach:login", "Sign in to a machine that asks for it."),
    "ls": Entry("workbench.cli.compute:ls", "List machines."),
    "show": Entry("workbench.cli.compute:show", "Show one machine."),
    "top": Entry("workbench.cli.top:top", "Watch machines, their GPUs and who computes there."),
    "doctor": Entry("workbench.cli.compute:doctor", "Check a machine and say what to do."),
    "exec": Entry("workbench.cli.compute_exec:execute", "Run a command on machines now."),
    "end": Entry("workbench.cli.compute_end:end", "End a process of yours on a machine."),
    "cordon": Entry("workbench.cli.queue:cordon", "Let nothing start on a machine for a while."),
    "shell": Entry("workbench.cli.shell:shell", "Open a shell on a machine, as ssh does."),
    "forward": Entry("workbench.cli.forwards:forward", "Lead a port of this machine to one there."),
    "forwards": Entry("workbench.cli.forwards:forwards", "List such ports, or close some."),
    "upload": Entry("workbench.cli.compute_transfer:upload", "Bring files and folders to a machine."),
    "download": Entry("workbench.cli.compute_transfer:download", "Bring a machine's files here."),
    "files": Entry("workbench.cli.files:ls", "List a folder of a machine (files ls)."),
    "pool": Section("Pools: machines a run may go to, whichever has room first.", POOL),
    "du": Entry("workbench.cli.compute_room:du", "Show what takes the room on a machine."),
    "prune": Entry("workbench.cli.compute_room:prune", "Remove old runs and what nothing needs there."),
    "start": Entry("workbench.cli.compute_power:start", "Switch a machine on and wait until it answers."),
    "stop": Entry("workbench.cli.compute_power:stop", "Switch a machine off."),
    "restart": Entry("workbench.cli.compute_power:restart", "Switch a machine off and on."),
    "adopt": Entry("workbench.cli.compute:adopt", "Bring back runs that a machine still knows."),
    "set": Entry("workbench.cli.compute:change", "Change a machine's settings."),
    "detach": Entry("workbench.cli.compute:detach", "Forget a machine; nothing on it is touched."),
}
FILES = {
    "ls": Entry("workbench.cli.files:ls", "List a folder."),
    "cat": Entry("workbench.cli.files:cat", "Print a file."),
    "du": Entry("workbench.cli.files:du", "Show what takes the room in a folder."),
    "mkdir": Entry("workbench.cli.files:mkdir", "Make a folder."),
    "cp": Entry("workbench.cli.files:cp", "Copy from one place of a machine to another."),
    "mv": Entry("workbench.cli.files:mv", "Give another name or place."),
    "rm": Entry("workbench.cli.files:rm", "Remove for good."),
}
EXPERIMENT = {
    "ls": Entry("workbench.cli.experiment:ls", "List experiments."),
    "show": Entry("workbench.cli.experiment:show", "Show one experiment."),
    "set": Entry("workbench.cli.experiment:change", "Choose the metric its runs are judged by."),
    "tag": Entry("workbench.cli.experiment:tag", "Set and remove tags."),
    "archive": Entry("workbench.cli.experiment:archive", "Hide an experiment, or bring it back."),
}
WORKSPACE = {
    "du": Entry("workbench.cli.workspace:du", "Show what this side keeps."),
    "prune": Entry("workbench.cli.workspace:prune", "Remove what belongs to no run any more."),
}
SERVER = {
    "status": Entry("workbench.cli.server:status", "Say whether the local server runs, and where."),
    "start": Entry("workbench.cli.server:start", "Start the local server."),
    "stop": Entry("workbench.cli.server:stop", "Stop the local server; runs go on."),
    "logs": Entry("workbench.cli.server:logs", "Print what the local server wrote."),
}
ACTIVITY = {
    "ls": Entry("workbench.cli.activity:ls", "List what takes long and how it went."),
    "alerts": Entry("workbench.cli.alerts:alerts", "List what is wrong with machines, and what to do."),
    "silence": Entry("workbench.cli.alerts:silence", "Let a rule call nobody for a while."),
    "rules": Entry("workbench.cli.alerts:rules", "List the rules by which machines call."),
    "subscribe": Entry("workbench.cli.subscriptions:subscribe", "Have events brought to you."),
    "subscriptions": Entry("workbench.cli.subscriptions:subscriptions", "List who hears of which events."),
    "unsubscribe": Entry("workbench.cli.subscriptions:unsubscribe", "End a subscription."),
    "test": Entry("workbench.cli.subscriptions:test", "Hand a made-up event to a subscription."),
}
COMPLETION = {
    "show": Entry("workbench.cli.completion:show", "Print the completion script of a shell."),
    "install": Entry("workbench.cli.completion:install", "Install it for bash, zsh or fish."),
}

COMMANDS: dict[str, Entry | Section] = {
    "dashboard": Entry("workbench.cli.dashboard:dashboard", "Open the dashboard."),
    "submit": Entry("workbench.cli.submit:submit", "Run a command or a job file on a machine."),
    "ps": Entry("workbench.cli.runs:ps", "List runs (short for run ls)."),
    "logs": Entry("workbench.cli.run_logs:logs", "Print what a run wrote (run logs)."),
    "cancel": Entry("workbench.cli.run_changes:cancel", "Cancel runs (run cancel)."),
    "top": Entry("workbench.cli.top:top", "Watch machines, their GPUs and who computes (compute top)."),
    "queue": Entry("workbench.cli.queue:queue", "List who runs and who waits on machines."),
    "ssh": Entry("workbench.cli.shell:shell", "Open a shell on a machine (compute shell)."),
    "demo": Entry("workbench.cli.demo:demo", "See the whole loop on two machines made up on the spot."),
    "run": Section("Runs: look, compare, cancel, fetch.", RUN),
    "compute": Section("Compute targets: the machines runs go to.", COMPUTE),
    "files": Section("Files of machines: look, copy, remove.", FILES),
    "experiment": Section("Experiments: named families of runs.", EXPERIMENT),
    "activity": Section("Activities and alerts: what takes long, what went wrong, whom it calls.", ACTIVITY),
    "workspace": Section("The workspace: what this side keeps of it.", WORKSPACE),
    "server": Section("The local server that holds connections and records.", SERVER),
    "completion": Section("Completion of commands and names in your shell.", COMPLETION),
}
HEADINGS = {
    "Every day": ["dashboard", "submit", "ps", "logs", "cancel", "top", "queue", "ssh", "demo"],
    "Things": ["run", "compute", "files", "experiment", "activity"],
    "This side": ["workspace", "server", "completion"],
}
