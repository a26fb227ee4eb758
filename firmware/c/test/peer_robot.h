/* The robot of the tests: a motor, and values of every type. Job: to be moved and looked at; it holds no rule. */
#ifndef PEER_ROBOT_H
#define PEER_ROBOT_H

#include <robolink/rl_board.h>

typedef struct {
    double target;
    double speed;
    double position;
    double max_speed;
    double goal;
    double start;
    bool broken; /* its goal fails at the next step */
    bool powered;
    const char *forbidden;
    uint32_t begun; /* goals that began */
} peer_motor;

typedef struct {
    bool truth;
    int64_t whole;
    char text[32];
    double vector[4];
    uint16_t vector_count;
} peer_values;

typedef struct {
    peer_motor motor;
    peer_values values;
    rl_part parts[2];
} peer_robot;

/* Ready for rl_board_init. */
void peer_robot_init(peer_robot *robot, rl_board_config *config);

#endif
