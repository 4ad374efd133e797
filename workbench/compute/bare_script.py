"""A shell script that tells of a machine on which no python of ours can run.

Every line is told by its first word, since several loops print at once: what may hang (a dead home, a driver)
holds up its own loop only. The script comes through the shell's input and ends with that; a loop whose shell
was killed ends by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from workbench.remote.gpus.smi_text import APPS, FORMAT, Column, gpu_query

LINE = "exec /bin/sh -s"
"""Runs the script under any login shell."""
FILES = ("loadavg", "meminfo", "uptime", "net/dev")
SLOW = 30
"""Seconds between two looks at disks and users."""

SCRIPT = """\
exec 2>/dev/null
trap 'trap "" TERM; kill 0' EXIT
trap exit HUP INT TERM
say() {{ printf '%s\\n' "$*"; }}  # echo makes something of what others wrote
echo '{magic}'
me=$(id -un)
say "@me $me"
echo "@cpus $(getconf _NPROCESSORS_ONLN)"
echo "@units $(getconf PAGESIZE) $(getconf CLK_TCK)"
smi=$(PATH=$PATH:/usr/bin:/usr/local/bin:/usr/lib/wsl/lib:/run/current-system/sw/bin; command -v nvidia-smi)
while kill -0 $$; do
  df -Pk "$HOME" | while IFS= read -r l; do say "@home $l"; done
  sleep {slow}
done &
while kill -0 $$; do
  df -Pk /var/tmp | while IFS= read -r l; do say "@leases $l"; done
  command -v who >/dev/null && say "@users "$(who | while read -r u r; do say "$u"; done)
  for i in /sys/class/net/*/device; do say "@physical $i"; done
  sleep {slow}
done &
while kill -0 $$; do
  echo "@begin $(date +%s)"
  IFS= read -r l </proc/stat && say "$l"
  for f in {files}; do echo "@file $f"; cat /proc/$f; done
  echo "@end"
  sleep {interval}
done &
about() {{
  p=$1
  IFS= read -r s </proc/$p/stat || return
  say "@stat $s"
  set -- ${{s##*) }}
  case " $seen " in *" $p:${{20}} "*) return ;; esac
  seen="$seen $p:${{20}}"
  o=$(ls -ld /proc/$p | {{ read -r a b c d; say "$c"; }})
  say "@owner $p $o"
  [ "$o" = "$me" ] && say "@command $p $(tr '\\000\\n' '  ' </proc/$p/cmdline | cut -c1-500)"
}}
if [ -n "$smi" ]; then
  while kill -0 $$; do
    "$smi" {query} -l {interval} 2>&1 | while IFS= read -r l; do say "@gpu $l"; done
    echo "@gone"
    sleep {slow}
  done &
  while kill -0 $$; do
    "$smi" {apps} -l {interval} | while IFS= read -r l; do
      say "@app $l"
      p=${{l#*, }}; p=${{p%%,*}}
      case $p in ''|*[!0-9]*) ;; *) about $p ;; esac
    done
    sleep {slow}
  done &
fi
"""


def script(interval: int, columns: Sequence[Column], magic: str) -> str:
    """What is sent to the shell. interval: whole seconds between samples. magic: its first line."""
    return SCRIPT.format(
        magic=magic,
        interval=interval,
        slow=SLOW,
        files=" ".join(FILES),
        query=shlex.join(gpu_query(columns)),
        apps=shlex.join([APPS, FORMAT]),
    )
