/* Simulated wheels: they follow what is ordered at a bounded acceleration. See drive.h. */
#include "drive.h"

#include <string.h>

#define ACCELERATION 2.0 /* m/s2 */

void drive_init(drive *wheels)
{
    (void)memset(wheels, 0, sizeof *wheels);
    wheels->powered = true;
}

void drive_set(drive *wheels, double left, double right)
{
    wheels->ordered[0] = wheels->powered ? left : 0.0;
    wheels->ordered[1] = wheels->powered ? right : 0.0;
}

void drive_update(drive *wheels, uint32_t elapsed_ms)
{
    double dt = (double)elapsed_ms / 1000.0;

    for (unsigned i = 0u; i < 2u; i++) {
        double change = wheels->ordered[i] - wheels->measured[i];
        double most = ACCELERATION * dt;

        change = (change > most) ? most : ((change < -most) ? -most : change);
        wheels->measured[i] += change;
        wheels->travelled[i] += wheels->measured[i] * dt;
    }
}

void drive_power(drive *wheels, bool on)
{
    wheels->powered = on;
    drive_set(wheels, 0.0, 0.0);
}
