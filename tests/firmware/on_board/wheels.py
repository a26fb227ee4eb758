"""A base and a motor of a real profile: goals, setpoints, odometry, and each thing that can be wired wrong."""

import sys

from rig import Rig, Told, main, near, raises
from robolink_board.member import Refused
from robolink_board.wheel import STALL_MS

PROFILES = sys.argv[1]
ROVER = PROFILES + "/pico-rover.json"


def check_drives_straight_and_knows_how_far():
    rig = Rig(ROVER)
    (driven,), took, told = rig.goal("base", "drive", 0.5)
    near(driven, 0.5, 0.01)
    near(rig.reading("base", "x"), 0.5, 0.01)
    near(rig.reading("base", "y"), 0.0, 0.01)
    near(rig.reading("base", "distance"), 0.5, 0.01)
    left, right = rig.robot["base.left"], rig.robot["base.right"]
    near(left.driven()[0] * 0.033, 0.5, 0.01)
    near(right.driven()[0] * 0.033, 0.5, 0.01)
    assert left.speed == right.speed == 0
    assert told.progress == sorted(told.progress) and 1500 < took < 6000


def check_drives_back():
    (driven,), _, _ = Rig(ROVER).goal("base", "drive", -0.2)
    near(driven, -0.2, 0.01)


def check_unequal_motors_still_go_straight():
    rig = Rig(ROVER)
    rig.robot["base.left"].no_load_rad_s *= 0.8
    rig.robot["base.right"].friction = 0.1
    rig.goal("base", "drive", 1.0)
    near(rig.reading("base", "y"), 0.0, 0.02)
    near(rig.reading("base", "theta"), 0.0, 0.05)


def check_heading_comes_back_after_a_stone_in_the_way():
    rig = Rig(ROVER)
    left = rig.robot["base.left"]
    seen, work = [], rig.member("base", "drive").run(Told(), 1.0)
    for _ in work:
        rig.run(10)
        left.held = 1000 <= rig.world.now_ms < 1400
        seen.append(abs(rig.reading("base", "theta")))
    assert max(seen) > 0.15, "the stone was there"
    near(rig.reading("base", "theta"), 0.0, 0.02)


def check_turns_more_than_a_turn():
    rig = Rig(ROVER)
    for angle in (1.57, -7.0):
        (turned,), _, _ = rig.goal("base", "turn", angle)
        near(turned, angle, 0.04)
    near(rig.reading("base", "x"), 0.0, 0.01)


def check_velocity_is_limited_as_a_vector_and_measured():
    rig = Rig(ROVER)
    velocity = rig.member("base", "velocity")
    velocity.run((0.5, 2.0))  # the settings allow 0.25 and 2: half as fast on the same curve
    rig.run(1500)
    near(rig.reading("base", "linear_x"), 0.25, 0.01)
    near(rig.reading("base", "angular_z"), 1.0, 0.05)
    near(rig.robot["base"].turn_rate(), 1.0, 0.05)
    rig.run(1500)
    turned = rig.robot["base.right"].driven()[0] - rig.robot["base.left"].driven()[0]
    near(rig.reading("base", "theta"), turned * 0.033 / 0.16, 0.02)
    velocity.run((0.0, 0.0))
    rig.run(700)
    assert rig.by_name["base"].standstill()
    assert rig.level(12) == rig.level(17) == 1.0 and rig.level(10) == rig.level(11) == 1.0, "brakes"


def check_pose_can_be_reset_but_not_while_it_drives():
    rig = Rig(ROVER)
    reset = rig.member("base", "reset_pose").run
    rig.goal("base", "drive", 0.1)
    reset()
    assert rig.reading("base", "x") == 0.0
    rig.member("base", "velocity").run((0.2, 0.0))
    rig.run(500)
    raises(Refused, "drives", reset)


def check_nothing_moves_before_an_order():
    rig = Rig(ROVER)
    rig.run(1000)
    assert rig.robot["base.left"].position == rig.robot["base.right"].position == 0
    assert rig.level(13) == 0, "the driver's enable stays low until something is to move"
    assert rig.level(10) == rig.level(11) == 1.0, "both inputs alike"
    rig = Rig(PROFILES + "/pyboard-rover.json")
    assert rig.world.wire("X1").most == rig.world.wire("X2").most == 0, "not for an instant"


def check_cut_takes_the_power_and_only_an_order_brings_it_back():
    rig = Rig(ROVER)
    base = rig.by_name["base"]
    base._velocity((0.25, 0.0))
    rig.run(500)
    assert rig.level(13) == 1
    base.cut()
    assert rig.level(13) == 0
    rig.run(100)
    assert rig.level(13) == 0
    base._velocity((0.25, 0.0))
    rig.run(500)
    near(rig.reading("base", "linear_x"), 0.25, 0.02)


def check_off_needs_no_step_after_it():
    rig = Rig(ROVER)
    rig.by_name["base"]._velocity((0.25, 0.0))
    rig.run(500)
    rig.by_name["base"].off()
    rig.world.advance(1000)
    assert rig.robot["base.left"].speed == rig.robot["base.right"].speed == 0


def check_silent_encoder_is_noticed_and_both_wheels_stand():
    rig = Rig(ROVER)
    rig.robot["base.left"].silent = True
    error = raises(OSError, "does not turn", lambda: rig.goal("base", "drive", 1.0))
    assert "base.left" in str(error)
    assert rig.world.now_ms < 3000
    rig.run(500)
    assert rig.robot["base.left"].speed == rig.robot["base.right"].speed == 0
    rig.robot["base.left"].silent = False
    rig.goal("base", "drive", 0.1)


def check_held_wheel_is_noticed_in_a_stream_and_told():
    rig = Rig(ROVER)
    rig.robot["base.right"].held = True
    velocity = rig.member("base", "velocity")
    for _ in range(30):
        velocity.run((0.25, 0.0))
        rig.run(100)
    assert "base.right" in rig.reading("base", "fault")
    assert rig.robot["base.left"].speed == 0
    velocity.run((0.0, 0.0))  # the stream has ended
    rig.run(50)
    assert rig.reading("base", "fault") == ""


def check_crossed_encoder_is_noticed():
    rig = Rig(PROFILES + "/motor-board.json")
    rig.robot["motor"].crossed = True
    raises(OSError, "swap a and b", lambda: rig.goal("motor", "turn_to", 20.0))
    assert rig.world.now_ms < 1500 + STALL_MS
    rig.run(500)
    assert rig.robot["motor"].speed == 0


def check_motor_turns_to_a_place_and_holds_it():
    rig = Rig(PROFILES + "/motor-board.json")
    for place in (1.5, -3.0, 0.0):
        (reached,), _, _ = rig.goal("motor", "turn_to", place)
        near(reached, place, 0.021)
        near(rig.robot["motor"].position, place, 0.03)


def check_hardware_counters_do_as_well():
    rig = Rig(PROFILES + "/motor-board.json", _hardware)
    (reached,), _, _ = rig.goal("motor", "turn_to", 2.0)
    near(reached, 2.0, 0.03)


def _hardware(plan):
    plan["components"][0]["encoder"]["decoder"] = "hardware"


def check_direction_drivers_do_as_well():
    rig = Rig(PROFILES + "/pyboard-rover.json")
    (driven,), _, _ = rig.goal("base", "drive", -0.3)
    near(driven, -0.3, 0.02)
    assert not rig.by_name["base"].can_cut, "its drivers have no enable"


main(globals())
