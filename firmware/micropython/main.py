"""Starts what profile.json describes. The same file on every board; README.md tells how to make a profile."""

from robolink_board import app

board = app.make_board("profile.json")
app.run(board)
