/* A two-wheel robot: what a firmware engineer writes. See README.md; the order here is the order of its ten minutes.
 * Whether it may move at all is the library's to say: these functions are called when it may. */
#include "robot.h"

#include <string.h>

#define STANDSTILL_M_S 0.005
#define TOLERANCE_M 0.003
#define GAIN 3.0

static double size_of(double value)
{
    return (value < 0.0) ? -value : value;
}

static double clamp(double value, double limit)
{
    return (value > limit) ? limit : ((value < -limit) ? -limit : value);
}

static double distance_of(const robot *self)
{
    return (self->wheels.travelled[0] + self->wheels.travelled[1]) / 2.0;
}

/* --- 1. What it can always do: measure, stand still, be safe. */

static void update(void *self, uint32_t elapsed_ms)
{
    drive_update(&((robot *)self)->wheels, elapsed_ms);
}

static void safe(void *self)
{
    drive_set(&((robot *)self)->wheels, 0.0, 0.0);
}

static bool standstill(void *self)
{
    const drive *wheels = &((robot *)self)->wheels;

    return (size_of(wheels->measured[0]) < STANDSTILL_M_S) && (size_of(wheels->measured[1]) < STANDSTILL_M_S);
}

static void power(void *self, bool on)
{
    drive_power(&((robot *)self)->wheels, on);
}

/* --- 2. What it tells and takes: readings and settings. */

static void get_distance(void *self, rl_msg_value *value)
{
    *value = rl_double(distance_of((robot *)self) - ((robot *)self)->home_m);
}

static void get_speed(void *self, rl_msg_value *value)
{
    const drive *wheels = &((robot *)self)->wheels;

    *value = rl_double((wheels->measured[0] + wheels->measured[1]) / 2.0);
}

static void get_max_speed(void *self, rl_msg_value *value)
{
    *value = rl_double(((robot *)self)->max_speed);
}

static const char *set_max_speed(void *self, const rl_msg_value *value)
{
    ((robot *)self)->max_speed = value->kind.double_value;
    return NULL;
}

/* --- 3. A call: it answers at once. */

static rl_progress reset_odometer(void *self, const rl_msg_value *args, rl_run *run)
{
    robot *one = (robot *)self;

    (void)args;
    run->results[0] = rl_double(distance_of(one) - one->home_m);
    one->home_m = distance_of(one);
    return RL_SUCCEEDED;
}

/* --- 4. A goal: begun, stepped each turn, ended whatever happens. */

static rl_progress begin_drive(void *self, const rl_msg_value *args, rl_run *run)
{
    robot *one = (robot *)self;

    (void)run;
    one->start_m = distance_of(one);
    one->goal_m = args[0].kind.double_value;
    return RL_GOES_ON;
}

static rl_progress step_drive(void *self, rl_run *run)
{
    robot *one = (robot *)self;
    double driven = distance_of(one) - one->start_m;
    double left = one->goal_m - driven;
    double speed;

    if ((size_of(left) <= TOLERANCE_M) && standstill(self)) {
        run->results[0] = rl_double(driven);
        return RL_SUCCEEDED;
    }
    run->phase = "driving";
    run->progress = (float)clamp(driven / one->goal_m, 1.0);
    speed = (size_of(left) <= TOLERANCE_M / 2.0) ? 0.0 : clamp(GAIN * left, one->max_speed);
    drive_set(&one->wheels, speed, speed);
    return RL_GOES_ON;
}

/* --- 5. A setpoint: zeros come by themselves when its stream ends. */

static void velocity(void *self, const double *values)
{
    robot *one = (robot *)self;
    double linear = clamp(values[0], one->max_speed);
    double turn = values[1] * WHEEL_DISTANCE_M / 2.0;

    drive_set(&one->wheels, linear - turn, linear + turn);
}

/* --- 6. All of it as tables; units are SI. */

static const rl_field DRIVE_ARGS[] = {
    {.name = "metres", .unit = "m", .has_minimum = true, .minimum = -10.0, .has_maximum = true, .maximum = 10.0},
};
static const rl_field DRIVEN[] = {{.name = "metres", .unit = "m", .description = "measured at the end"}};
static const rl_field VELOCITY_FIELDS[] = {
    {.name = "linear_x", .unit = "m/s", .has_minimum = true, .minimum = -1.0, .has_maximum = true, .maximum = 1.0},
    {.name = "angular_z", .unit = "rad/s", .has_minimum = true, .minimum = -6.0, .has_maximum = true, .maximum = 6.0},
};

static const rl_member MEMBERS[] = {
    {.kind = RL_MEMBER_KIND_SETTING,
     .field = {.name = "max_speed", .unit = "m/s", .description = "of drive and of velocity", .has_minimum = true,
               .minimum = 0.05, .has_maximum = true, .maximum = 1.0},
     .get = get_max_speed,
     .set = set_max_speed},
    {.kind = RL_MEMBER_KIND_READING,
     .field = {.name = "distance", .unit = "m", .description = "measured since reset_odometer"},
     .get = get_distance},
    {.kind = RL_MEMBER_KIND_READING,
     .field = {.name = "speed", .unit = "m/s", .description = "measured"},
     .get = get_speed},
    {.kind = RL_MEMBER_KIND_CALL,
     .field = {.name = "reset_odometer", .description = "distance begins at 0; answers what it was"},
     .results = DRIVEN,
     .result_count = 1u,
     .begin = reset_odometer},
    {.kind = RL_MEMBER_KIND_GOAL,
     .field = {.name = "drive", .description = "drive straight on, negative: backwards"},
     .args = DRIVE_ARGS,
     .arg_count = 1u,
     .results = DRIVEN,
     .result_count = 1u,
     .max_duration_ms = 60000u,
     .begin = begin_drive,
     .step = step_drive,
     .end = safe},
    {.kind = RL_MEMBER_KIND_SETPOINT,
     .field = {.name = "velocity", .description = "drive at this velocity while setpoints come"},
     .args = VELOCITY_FIELDS,
     .arg_count = 2u,
     .ttl_ms = 300u,
     .apply = velocity},
};

static const rl_component BASE = {
    .name = "base",
    .type = RL_COMPONENT_TYPE_BASE,
    .description = "two driven wheels",
    .members = MEMBERS,
    .member_count = (uint8_t)(sizeof MEMBERS / sizeof MEMBERS[0]),
    .update = update,
    .safe = safe,
    .standstill = standstill,
    .power = power,
};

void robot_init(robot *made, rl_board_config *config)
{
    (void)memset(made, 0, sizeof *made);
    (void)memset(config, 0, sizeof *config);
    drive_init(&made->wheels);
    made->max_speed = 0.5;
    made->parts[0].component = &BASE;
    made->parts[0].self = made;
    config->model = "two-wheel";
    config->vendor = "robolink";
    config->version = "1.0";
    config->description = "a two-wheel robot on an RTOS or no OS at all";
    config->parts = made->parts;
    config->part_count = 1u;
}
