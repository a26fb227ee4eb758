"""Updates of boards: signed images, and the course of one update over the link while the robot serves."""
