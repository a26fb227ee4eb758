"""A board with one motor. Copy this and robolink_board/ to the board; another board changes the lines below."""

from robolink_board import app, hardware
from robolink_board.board import Board
from robolink_board.motor import Motor
from robolink_board.ticks import ticks_ms

board = Board(
    model="motor-board",
    vendor="robolink",
    version="1.0",
    description="one motor on a MicroPython board",
    components=(Motor(hardware.open_motor()),),
    random_u32=hardware.random_u32,
    now=ticks_ms(),
)
app.run(board, hardware.open_port())
