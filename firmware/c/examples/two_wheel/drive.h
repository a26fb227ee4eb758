/* Two wheels with motors and encoders: the only file that knows the machine. drive_sim.c simulates it; a real one sets a
 * PWM in drive_set and reads its encoders in drive_update. */
#ifndef DRIVE_H
#define DRIVE_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_DISTANCE_M 0.20

typedef struct {
    double ordered[2]; /* left, right; m/s */
    double measured[2];
    double travelled[2]; /* m */
    bool powered;
} drive;

void drive_init(drive *wheels);
/* Speeds of the wheels, m/s. */
void drive_set(drive *wheels, double left, double right);
/* Measure (and, in the simulation, let time go on). */
void drive_update(drive *wheels, uint32_t elapsed_ms);
void drive_power(drive *wheels, bool on);

#endif
