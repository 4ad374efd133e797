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
    "env": Entry("workbench.cli.run_environment:environment", "Show the environment a run ran in."),
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
MODEL = {
    "ls": Entry("workbench.cli.models:ls", "List models, or versions that fit."),
    "show": Entry("workbench.cli.models:show", "Show a model with its versions, or one version."),
    "register": Entry(
        "workbench.cli.model_changes:register", "Register a version of a run's or of own files."
    ),
    "promote": Entry("workbench.cli.model_promotion:promote", "Give a version an alias, through the gate."),
    "evaluate": Entry("workbench.cli.model_promotion:evaluate", "Measure a version as its gate asks."),
    "rollback": Entry("workbench.cli.model_promotion:rollback", "Take back an alias's newest move."),
    "history": Entry("workbench.cli.models:history", "List who moved which alias, when and why."),
    "alias": Entry("workbench.cli.model_promotion:alias", "Give a version an alias, or take one away."),
    "set": Entry("workbench.cli.model_promotion:change", "Set a model's gate and protected aliases."),
    "tag": Entry("workbench.cli.model_changes:tag", "Set and remove tags."),
    "download": Entry("workbench.cli.models:download", "Save a version's files."),
    "rm": Entry("workbench.cli.model_changes:remove", "Remove versions for good."),
}
DATASTORE = {
    "ls": Entry("workbench.cli.datastores:ls", "List datastores, or what is in one."),
    "show": Entry("workbench.cli.datastores:show", "Show a datastore."),
    "add": Entry("workbench.cli.datastores:add", "Name a place that holds data."),
    "set": Entry("workbench.cli.datastores:change", "Change a datastore."),
    "upload": Entry("workbench.cli.datastores:upload", "Bring a folder's files into a datastore."),
    "download": Entry("workbench.cli.datastores:download", "Bring a datastore's files here."),
    "default": Entry("workbench.cli.datastores:default", "Choose the one that is meant when none is named."),
    "rm": Entry("workbench.cli.datastores:remove", "Forget a datastore; what is in it stays."),
}
DATA = {
    "ls": Entry("workbench.cli.data:ls", "List datasets."),
    "show": Entry("workbench.cli.data:show", "Show a version of a dataset."),
    "versions": Entry("workbench.cli.data:versions", "List the versions of a dataset."),
    "register": Entry(
        "workbench.cli.data_register:register", "Make a dataset, or a new version: a reference to data."
    ),
    "derive": Entry("workbench.cli.data_register:derive", "Make a dataset of a table's rows by steps."),
    "preview": Entry("workbench.cli.data_tables:preview", "Print the first rows of a table."),
    "snapshot": Entry("workbench.cli.data_tables:snapshot", "Keep what a query brings now as a dataset."),
    "profile": Entry("workbench.cli.data_tables:profile", "Print what a table's columns hold."),
    "tag": Entry("workbench.cli.data:tag", "Set and remove tags."),
    "describe": Entry("workbench.cli.data:describe", "Say what a version is."),
    "files": Entry("workbench.cli.data_files:files", "List the files that a version refers to."),
    "fingerprint": Entry("workbench.cli.data_files:fingerprint", "Keep which files they are, by hash."),
    "download": Entry("workbench.cli.data_files:download", "Bring a version's files here."),
    "bring": Entry("workbench.cli.data_bring:bring", "Have its files in a machine's cache already."),
    "lineage": Entry("workbench.cli.data_lineage:lineage", "Show where it came from, and what came of it."),
    "locate": Entry("workbench.cli.data:locate", "Say where its files lie on machines already."),
    "archive": Entry("workbench.cli.data:archive", "Hide a version, or bring it back."),
    "rm": Entry("workbench.cli.data:remove", "Forget versions; the data itself stays."),
}
SECRET = {
    "set": Entry("workbench.cli.secrets:change", "Keep a secret; its value is asked for or piped in."),
    "get": Entry("workbench.cli.secrets:get", "Print a secret's value."),
    "ls": Entry("workbench.cli.secrets:ls", "List secrets, without their values."),
    "rm": Entry("workbench.cli.secrets:remove", "Forget a secret."),
}
ENV: dict[str, Entry | Section] = {
    "ls": Entry("workbench.cli.environments:ls", "List environments, or the versions of one."),
    "show": Entry("workbench.cli.environments:show", "Show a version, or what it was resolved to."),
    "register": Entry("workbench.cli.environments:register", "Make a version of a file, image or preset."),
    "save": Entry("workbench.cli.environments:save", "Write a version as files that can be edited."),
    "load": Entry("workbench.cli.environments:load", "Make a version of such files."),
    "clone": Entry("workbench.cli.environments:clone", "Give a version to another name."),
    "alias": Entry("workbench.cli.environments:alias", "Let an alias mean a version."),
    "tag": Entry("workbench.cli.environments:tag", "Set and remove tags, describe."),
    "archive": Entry("workbench.cli.environments:archive", "Hide a version, or bring it back."),
    "diff": Entry("workbench.cli.environment_diff:diff", "Show what differs between two versions."),
    "build": Entry("workbench.cli.environment_builds:build", "Have one ready on a machine."),
    "builds": Entry("workbench.cli.environment_builds:builds", "List environments as they are on machines."),
    "log": Entry("workbench.cli.environment_builds:log", "Print what the last build said."),
    "prune": Entry("workbench.cli.environment_builds:prune", "Remove what no run used lately."),
}
MAP = {
    "ls": Entry("workbench.cli.hosted_names:ls", "List what names of the cloud mean here."),
    "set": Entry("workbench.cli.hosted_names:change", "Let a name of the cloud mean one of yours."),
    "rm": Entry("workbench.cli.hosted_names:remove", "Forget what one means."),
}
WORKSPACE: dict[str, Entry | Section] = {
    "ls": Entry("workbench.cli.workspaces:ls", "List the workspaces of this side."),
    "show": Entry("workbench.cli.workspaces:show", "Show what is said about a workspace."),
    "set": Entry("workbench.cli.workspaces:change", "Describe a workspace, tag it."),
    "init": Entry("workbench.cli.workspaces:init", "Tie a folder to a workspace."),
    "rm": Entry("workbench.cli.workspaces:remove", "Remove a workspace for good."),
    "map": Section("Names of the cloud in job files, and what they mean here.", MAP),
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
    "env": Section("Environments: what a run's Python is made of, in versions.", ENV),
    "experiment": Section("Experiments: named families of runs.", EXPERIMENT),
    "model": Section("Models: versions, gates, who is champion.", MODEL),
    "data": Section("Datasets: references to data, in versions.", DATA),
    "datastore": Section("Datastores: named places that hold data.", DATASTORE),
    "activity": Section("Activities and alerts: what takes long, what went wrong, whom it calls.", ACTIVITY),
    "secret": Section("Secrets: values that runs and datastores need and no record has.", SECRET),
    "workspace": Section("The workspace: what this side keeps of it.", WORKSPACE),
    "server": Section("The local server that holds connections and records.", SERVER),
    "schema": Entry("workbench.cli.schema:schema", "Print what editors check job files and settings by."),
    "completion": Section("Completion of commands and names in your shell.", COMPLETION),
}
HEADINGS = {
    "Every day": ["dashboard", "submit", "ps", "logs", "cancel", "top", "queue", "ssh", "demo"],
    "Things": ["run", "compute", "files", "env", "experiment", "model", "data", "datastore", "activity"],
    "This side": ["secret", "workspace", "server", "schema", "completion"],
}
