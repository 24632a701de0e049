"""Runs a command in a pseudo-terminal of a size, and copies what it shows to standard output.

in_terminal.py COLUMNS[:TEXT:COLUMNS] COMMAND...   the second size comes when the text was shown
"""

import fcntl
import os
import pty
import struct
import sys
import termios


def resize(descriptor, columns):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))


first, *later = sys.argv[1].split(":")
pid, terminal = pty.fork()
if pid == 0:
    resize(0, int(first))
    os.execvp(sys.argv[2], sys.argv[2:])
while True:
    try:
        shown = os.read(terminal, 65536)
    except OSError:  # the other side is closed
        break
    if not shown:
        break
    sys.stdout.buffer.write(shown)
    sys.stdout.buffer.flush()
    if later and later[0].encode() in shown:
        resize(terminal, int(later[1]))
        later = []
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
