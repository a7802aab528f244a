import os
import signal
import socket
import subprocess
import sys
import timeit
from pathlib import Path

from tieout.connect.fault_point import FAULT_POINTS, SOCKET_VARIABLE, fault_point

CHILD = """
import sys
from tieout.connect.fault_point import fault_point
fault_point("delivery.send.before")
print("sent", flush=True)
fault_point("delivery.send.after")
print("answered", flush=True)
"""


def armed_child(path: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {SOCKET_VARIABLE: str(path)}
    return subprocess.Popen([sys.executable, "-c", CHILD], env=environment, stdout=subprocess.PIPE)


def test_a_killer_ends_the_process_exactly_at_the_point(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "k"))
        listener.listen()
        child = armed_child(tmp_path / "k")
        killer, _ = listener.accept()
        with killer:
            assert killer.recv(100) == f"{child.pid} delivery.send.before\n".encode()
            killer.sendall(b"g")
            assert killer.recv(100) == f"{child.pid} delivery.send.after\n".encode()
            os.kill(child.pid, signal.SIGKILL)
        printed, _ = child.communicate(timeout=10)
    assert printed == b"sent\n"


def test_without_a_killer_listening_everything_passes(tmp_path: Path) -> None:
    child = armed_child(tmp_path / "nobody")
    printed, _ = child.communicate(timeout=10)
    assert printed == b"sent\nanswered\n"


def test_every_name_is_registered_once_and_says_what_is_durable() -> None:
    assert len({point.name for point in FAULT_POINTS}) == len(FAULT_POINTS)
    assert all(point.durable for point in FAULT_POINTS)


def test_an_unarmed_point_costs_next_to_nothing() -> None:
    best = min(timeit.repeat(lambda: fault_point("delivery.send.before"), number=100_000, repeat=5))
    assert best / 100_000 < 300e-9
