/* The robot of the tests. See peer_robot.h. */
#include "peer_robot.h"

#include <string.h>

#define ACCELERATION 20.0
#define STANDSTILL 0.02
#define TOLERANCE 0.01
#define GAIN 5.0
#define COUNT(table) ((uint8_t)(sizeof(table) / sizeof((table)[0])))

static double clamp(double value, double limit)
{
    return (value > limit) ? limit : ((value < -limit) ? -limit : value);
}

static double size_of(double value)
{
    return (value < 0.0) ? -value : value;
}

/* --- Motor: as the MicroPython one. */

static void drive(peer_motor *motor, double speed)
{
    motor->target = motor->powered ? clamp(speed, motor->max_speed) : 0.0;
}

static void motor_update(void *self, uint32_t elapsed_ms)
{
    peer_motor *motor = (peer_motor *)self;
    double dt = (double)elapsed_ms / 1000.0;

    motor->speed += clamp(motor->target - motor->speed, ACCELERATION * dt);
    motor->position += motor->speed * dt;
}

static void motor_safe(void *self)
{
    ((peer_motor *)self)->target = 0.0;
}

static bool motor_still(void *self)
{
    return size_of(((peer_motor *)self)->speed) < STANDSTILL;
}

static void motor_power(void *self, bool on)
{
    peer_motor *motor = (peer_motor *)self;

    motor->powered = on;
    motor->target = 0.0;
}

static const char *motor_forbids(void *self)
{
    return ((peer_motor *)self)->forbidden;
}

static void get_max_speed(void *self, rl_msg_value *value)
{
    *value = rl_double(((peer_motor *)self)->max_speed);
}

static const char *set_max_speed(void *self, const rl_msg_value *value)
{
    ((peer_motor *)self)->max_speed = value->kind.double_value;
    return NULL;
}

static void get_position(void *self, rl_msg_value *value)
{
    *value = rl_double(((peer_motor *)self)->position);
}

static void get_speed(void *self, rl_msg_value *value)
{
    *value = rl_double(((peer_motor *)self)->speed);
}

static rl_progress begin_turn(void *self, const rl_msg_value *args, rl_run *run)
{
    peer_motor *motor = (peer_motor *)self;

    if (args[0].kind.double_value == 99.0) {
        run->text = "it will not turn to 99";
        return RL_FAILED;
    }
    motor->goal = args[0].kind.double_value;
    motor->start = motor->position;
    motor->begun++;
    return RL_GOES_ON;
}

static rl_progress step_turn(void *self, rl_run *run)
{
    peer_motor *motor = (peer_motor *)self;
    double error = motor->goal - motor->position;
    double way = size_of(motor->goal - motor->start);
    double progress = 1.0 - size_of(error) / ((way > 0.0) ? way : 1.0);

    if (motor->broken) {
        run->text = "the encoder is broken";
        return RL_FAILED;
    }
    if ((size_of(error) <= TOLERANCE) && motor_still(self)) {
        run->results[0] = rl_double(motor->position);
        return RL_SUCCEEDED;
    }
    run->phase = "turning";
    run->progress = (float)((progress < 0.0) ? 0.0 : progress);
    drive(motor, (size_of(error) <= TOLERANCE / 2.0) ? 0.0 : GAIN * error);
    return RL_GOES_ON;
}

static void apply_velocity(void *self, const double *values)
{
    drive((peer_motor *)self, values[0]);
}

static const rl_field POSITION_ARG[] = {
    {.name = "position", .unit = "rad", .has_minimum = true, .minimum = -100.0, .has_maximum = true, .maximum = 100.0},
};
static const rl_field POSITION_RESULT[] = {{.name = "position", .unit = "rad", .description = "measured at the end"}};
static const rl_field VELOCITY_ARG[] = {
    {.name = "velocity", .unit = "rad/s", .has_minimum = true, .minimum = -10.0, .has_maximum = true, .maximum = 10.0},
};

static const rl_member MOTOR_MEMBERS[] = {
    {.kind = RL_MEMBER_KIND_SETTING,
     .field = {.name = "max_speed", .unit = "rad/s", .has_minimum = true, .minimum = 0.1, .has_maximum = true,
               .maximum = 10.0},
     .get = get_max_speed,
     .set = set_max_speed},
    {.kind = RL_MEMBER_KIND_READING, .field = {.name = "position", .unit = "rad"}, .get = get_position},
    {.kind = RL_MEMBER_KIND_READING, .field = {.name = "speed", .unit = "rad/s"}, .get = get_speed},
    {.kind = RL_MEMBER_KIND_GOAL,
     .field = {.name = "turn_to"},
     .args = POSITION_ARG,
     .arg_count = 1u,
     .results = POSITION_RESULT,
     .result_count = 1u,
     .max_duration_ms = 60000u,
     .begin = begin_turn,
     .step = step_turn,
     .end = motor_safe},
    {.kind = RL_MEMBER_KIND_SETPOINT,
     .field = {.name = "velocity"},
     .args = VELOCITY_ARG,
     .arg_count = 1u,
     .ttl_ms = 300u,
     .apply = apply_velocity},
};

static const rl_component MOTOR = {
    .name = "motor",
    .type = RL_COMPONENT_TYPE_MOTOR,
    .description = "a motor with an encoder",
    .members = MOTOR_MEMBERS,
    .member_count = COUNT(MOTOR_MEMBERS),
    .update = motor_update,
    .safe = motor_safe,
    .standstill = motor_still,
    .forbids = motor_forbids,
    .power = motor_power,
};

/* --- Values of every type, and calls. */

static void get_truth(void *self, rl_msg_value *value)
{
    *value = rl_bool(((peer_values *)self)->truth);
}

static const char *set_truth(void *self, const rl_msg_value *value)
{
    ((peer_values *)self)->truth = value->kind.bool_value;
    return NULL;
}

static void get_whole(void *self, rl_msg_value *value)
{
    *value = rl_int(((peer_values *)self)->whole);
}

static const char *set_whole(void *self, const rl_msg_value *value)
{
    ((peer_values *)self)->whole = value->kind.int_value;
    return NULL;
}

static void get_text(void *self, rl_msg_value *value)
{
    *value = rl_string(((peer_values *)self)->text);
}

static const char *set_text(void *self, const rl_msg_value *value)
{
    peer_values *values = (peer_values *)self;
    rl_bytes text = value->kind.string_value;

    if (text.size >= sizeof values->text) {
        return "text: at most 31 bytes";
    }
    (void)memset(values->text, 0, sizeof values->text);
    if (text.size > 0u) {
        (void)memcpy(values->text, text.data, text.size);
    }
    return NULL;
}

static void get_vector(void *self, rl_msg_value *value)
{
    peer_values *values = (peer_values *)self;

    if (values->vector_count > 0u) { /* else nothing is measured */
        value->which_kind = RL_VALUE_VECTOR_VALUE;
        value->kind.vector_value.values = values->vector;
        value->kind.vector_value.count = values->vector_count;
    }
}

static const char *set_vector(void *self, const rl_msg_value *value)
{
    peer_values *values = (peer_values *)self;
    const rl_vector *vector = &value->kind.vector_value;

    if (vector->count > 4u) {
        return "vector: at most 4 numbers";
    }
    for (uint16_t i = 0u; i < vector->count; i++) {
        values->vector[i] = rl_vector_at(vector, i);
    }
    values->vector_count = vector->count;
    return NULL;
}

static rl_progress begin_add(void *self, const rl_msg_value *args, rl_run *run)
{
    (void)self;
    if (args[0].kind.int_value == 13) {
        run->text = "it does not add to 13";
        return RL_FAILED;
    }
    run->results[0] = rl_int(args[0].kind.int_value + (int64_t)args[1].kind.double_value);
    run->results[1] = rl_bool(args[0].kind.int_value < 0);
    return RL_SUCCEEDED;
}

static rl_progress begin_jump(void *self, const rl_msg_value *args, rl_run *run)
{
    (void)self;
    (void)args;
    (void)run;
    return RL_SUCCEEDED;
}

static bool values_still(void *self)
{
    (void)self;
    return true;
}

static void values_safe(void *self)
{
    (void)self;
}

static void values_power(void *self, bool on)
{
    (void)self;
    (void)on;
}

static const rl_field ADD_ARGS[] = {
    {.name = "whole", .type = RL_VALUE_TYPE_INT, .has_minimum = true, .minimum = -1000.0, .has_maximum = true,
     .maximum = 1000.0},
    {.name = "number", .has_maximum = true, .maximum = 5.0},
};
static const rl_field ADD_RESULTS[] = {
    {.name = "sum", .type = RL_VALUE_TYPE_INT},
    {.name = "negative", .type = RL_VALUE_TYPE_BOOL},
};

static const rl_member VALUES_MEMBERS[] = {
    {.kind = RL_MEMBER_KIND_SETTING,
     .field = {.name = "truth", .type = RL_VALUE_TYPE_BOOL},
     .get = get_truth,
     .set = set_truth},
    {.kind = RL_MEMBER_KIND_SETTING,
     .field = {.name = "whole", .type = RL_VALUE_TYPE_INT},
     .get = get_whole,
     .set = set_whole},
    {.kind = RL_MEMBER_KIND_SETTING,
     .field = {.name = "text", .type = RL_VALUE_TYPE_STRING},
     .get = get_text,
     .set = set_text},
    {.kind = RL_MEMBER_KIND_SETTING,
     .field = {.name = "vector", .type = RL_VALUE_TYPE_VECTOR, .has_maximum = true, .maximum = 1e9},
     .get = get_vector,
     .set = set_vector},
    {.kind = RL_MEMBER_KIND_CALL,
     .field = {.name = "add"},
     .args = ADD_ARGS,
     .arg_count = 2u,
     .results = ADD_RESULTS,
     .result_count = 2u,
     .begin = begin_add},
    {.kind = RL_MEMBER_KIND_CALL, .field = {.name = "jump"}, .motion = true, .begin = begin_jump},
};

static const rl_component VALUES = {
    .name = "values",
    .type = RL_COMPONENT_TYPE_GENERIC,
    .members = VALUES_MEMBERS,
    .member_count = COUNT(VALUES_MEMBERS),
    .safe = values_safe,
    .standstill = values_still,
    .power = values_power,
};

void peer_robot_init(peer_robot *robot, rl_board_config *config)
{
    (void)memset(robot, 0, sizeof *robot);
    (void)memset(config, 0, sizeof *config);
    robot->motor.max_speed = 2.0;
    robot->motor.powered = true;
    robot->parts[0].component = &MOTOR;
    robot->parts[0].self = &robot->motor;
    robot->parts[1].component = &VALUES;
    robot->parts[1].self = &robot->values;
    config->model = "peer-board";
    config->vendor = "robolink";
    config->version = "1.0";
    config->description = "the C library under test";
    config->parts = robot->parts;
    config->part_count = 2u;
}
