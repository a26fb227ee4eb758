"""The field engineer's commands, `robolink board …`: find a board, flash it, look at it, get back into it."""
