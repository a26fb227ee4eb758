/* The two-wheel robot as tables and a few functions; port and wheels stand apart. */
#ifndef ROBOT_H
#define ROBOT_H

#include "drive.h"

#include <robolink/rl_board.h>

typedef struct {
    drive wheels;
    double max_speed;  /* m/s; a setting */
    double goal_m;     /* of the goal that runs */
    double start_m;    /* distance when it began */
    double home_m;     /* distance at the last call of reset_odometer */
    rl_part parts[1];
} robot;

/* Fills in `config` but for its random numbers, which are the port's. */
void robot_init(robot *made, rl_board_config *config);

#endif
