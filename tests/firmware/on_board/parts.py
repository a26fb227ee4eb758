"""Servo arm, digital lines, analog inputs, battery and IMU of real profiles, on the simulated chip."""

import sys

from rig import Rig, main, near, raises
from robolink_board.adc import SAG_MS

PROFILES = sys.argv[1]
ARM, ROVER = PROFILES + "/esp32-arm.json", PROFILES + "/pico-rover.json"


def check_arm_has_no_pulses_before_its_first_order():
    rig = Rig(ARM)
    rig.run(500)
    assert all(rig.level(pin) == 0 for pin in (25, 26, 27, 14))
    assert rig.by_name["arm"].standstill()


def check_joints_arrive_together_and_not_faster_than_they_may():
    rig = Rig(ARM)
    places = []
    began, joints = rig.world.now_ms, rig.by_name["arm"]._joints
    work = rig.member("arm", "move_to").run(_Told(), 1.0, 0.6, -0.5, 0.0)
    for _ in work:
        rig.run(10)
        places.append([joint.place for joint in joints])
    took = rig.world.now_ms - began
    near(took, 1000, 60)  # 1 rad at half of 2 rad/s
    half = places[len(places) // 2]
    near(half[0], 0.5, 0.05)
    near(half[1], 0.5, 0.05)
    steps = [abs(after[0] - before[0]) for before, after in zip(places, places[1:])]  # noqa: B905, RUF007
    assert max(steps) <= 0.0101
    rig.run(300)
    near(rig.robot["arm.waist"].angle, 1.0, 0.01)
    near(rig.robot["arm.elbow"].angle, -0.5, 0.01)
    near(rig.reading("arm", "elbow_position"), -0.5, 0.01)


class _Told:
    def feedback(self, *_):
        pass


def check_measured_joint_begins_where_it_stands():
    rig = Rig(ARM)
    rig.robot["arm.elbow"].angle = 0.9
    work = rig.member("arm", "move_to").run(_Told(), 0.0, 0.4, -0.9, 0.0)
    next(work)
    rig.run(50)
    near(rig.robot["arm.elbow"].angle, 0.9 - 0.05, 0.02)
    work.close()


def check_velocity_stream_ends_where_it_is_and_at_its_limit():
    rig = Rig(ARM)
    velocity = rig.member("arm", "velocity")
    velocity.run((0.5, 0.0, 0.0, 0.0))
    rig.run(500)
    velocity.run((0.0, 0.0, 0.0, 0.0))
    place = rig.reading("arm", "waist_position")
    near(place, 0.25, 0.02)
    rig.run(500)
    assert rig.reading("arm", "waist_position") == place
    velocity.run((-2.0, 0.0, 0.0, 0.0))
    rig.run(4000)
    near(rig.reading("arm", "waist_position"), -1.57, 0.001)


def check_arm_holds_at_a_stop_and_gives_way_at_a_cut():
    rig = Rig(ARM)
    rig.member("arm", "velocity").run((0.5, 0.0, 0.0, 0.0))
    rig.run(200)
    arm = rig.by_name["arm"]
    arm.safe()
    place = rig.reading("arm", "waist_position")
    rig.run(300)
    assert rig.reading("arm", "waist_position") == place
    assert rig.level(25) > 0, "holds with its pulses"
    arm.off()
    assert rig.level(25) > 0
    arm.cut()
    assert rig.level(25) == 0


def check_arm_may_be_told_to_let_go_at_the_end():
    rig = Rig(ARM, _release)
    rig.member("arm", "velocity").run((0.5, 0.0, 0.0, 0.0))
    rig.run(200)
    rig.by_name["arm"].off()
    assert rig.level(25) == 0


def _release(plan):
    plan["components"][0]["at_end"] = "release"


def check_lines_are_read_and_switched():
    rig = Rig(ARM)
    pump = rig.by_name["pump"]
    assert rig.reading("pump", "lid") is True, "inverted: the pin is low"
    rig.world.wire(36).put(1)
    assert rig.reading("pump", "lid") is False
    switch = rig.member("pump", "set_valve")
    assert switch.motion, "what can move something needs a lease"
    switch.run(True)
    assert rig.level(13) == 1 and rig.reading("pump", "valve") is True
    assert not pump.standstill()
    pump.safe()
    assert rig.level(13) == 0 and pump.standstill()


def check_lamp_may_go_on_through_a_stop_but_not_through_the_end():
    rig = Rig(ROVER)
    lamp = rig.member("panel", "set_lamp")
    assert not lamp.motion
    lamp.run(True)
    rig.by_name["panel"].safe()
    assert rig.level("LED") == 1
    rig.by_name["panel"].off()
    assert rig.level("LED") == 0
    assert rig.reading("panel", "button") is False, "pulled up and inverted"


def check_inverted_output_is_safe_from_the_first_instant():
    rig = Rig(ARM, _inverted)
    assert rig.level(13) == 1
    assert rig.reading("pump", "valve") is False


def _inverted(plan):
    plan["components"][2]["lines"][0]["inverted"] = True


def check_analog_sensor_has_its_unit():
    rig = Rig(ARM)
    rig.robot["distance"].volts = 2.0
    rig.run(1000)
    near(rig.reading("distance", "nearness"), 2.0 * 7.8 - 0.4, 0.05)


def check_battery_forbids_motion_when_it_sags_and_not_for_a_dip():
    rig = Rig(ROVER)
    battery, cell = rig.by_name["battery"], rig.robot["battery"]
    near(rig.reading("battery", "voltage"), 7.9, 0.05)
    near(rig.reading("battery", "percentage"), 0.75, 0.05)
    cell.volts = 0.0
    rig.run(30)
    assert rig.reading("battery", "voltage") < 6.0
    cell.volts = 7.9 / 4
    said = []
    rig.run(200, lambda: said.append(battery.forbids))
    assert not any(said), "a motor's start is no empty battery"
    cell.volts = 5.8 / 4
    rig.run(400)
    assert "under 6.0 V" in battery.forbids
    cell.volts = 6.3 / 4
    rig.run(1000)
    assert battery.forbids, "not before it is well over"
    cell.volts = 7.0 / 4
    rig.run(1000)
    assert battery.forbids == ""
    assert SAG_MS <= 100


def check_imu_measures_in_si():
    rig = Rig(ROVER)
    chip = rig.robot["imu"]
    assert rig.reading("imu", "acceleration") is None, "nothing measured yet"
    chip.acceleration = [1.0, -2.0, 9.80665]
    chip._turn_rate = None
    chip.angular_velocity = [0.1, -0.5, 2.0]
    rig.run(100)
    for told, true in ((rig.reading("imu", "acceleration"), chip.acceleration),):
        for axis in range(3):
            near(told[axis], true[axis], 0.01)
    for axis in range(3):
        near(rig.reading("imu", "angular_velocity")[axis], chip.angular_velocity[axis], 0.001)
    near(rig.reading("imu", "temperature"), 25.0, 0.1)
    assert chip.registers[0x6B] == 1, "awake"


def check_imu_calibration_takes_the_bias_off_and_refuses_a_turning_one():
    rig = Rig(ROVER)
    chip = rig.robot["imu"]
    chip._turn_rate = None
    chip.bias = [0.05, -0.03, 0.02]
    rig.goal("imu", "calibrate")
    rig.run(50)
    for axis in range(3):
        near(rig.reading("imu", "angular_velocity")[axis], 0.0, 0.001)

    def turned():
        work = rig.member("imu", "calibrate").run(_Told())
        for _ in work:
            chip.angular_velocity[2] += 0.01
            rig.run(10)

    raises(OSError, "was turned", turned)


def check_imu_that_falls_off_the_bus_comes_back():
    rig = Rig(ROVER)
    rig.run(100)
    bus, imu = rig.world.bus(0), rig.by_name["imu"]
    bus.broken = 110
    rig.run(500)
    assert not rig.reading("imu", "healthy") and rig.reading("imu", "acceleration") is None
    assert imu.errors == 1, "it is not asked each tick"
    rig.robot["imu"].power_up()
    bus.broken = 0
    rig.run(1500)
    assert rig.reading("imu", "healthy")
    near(rig.reading("imu", "acceleration")[2], 9.8, 0.02)


def check_another_chip_at_that_address_is_not_believed():
    rig = Rig(ROVER)
    rig.robot["imu"].who = 0x33
    rig.robot["imu"].power_up()
    rig.by_name["imu"]._failed()
    rig.run(3000)
    assert not rig.reading("imu", "healthy")


main(globals())
