"""ROS 2 bridge: topics of a ROS 2 robot become a robot of the hub. A driver on the vendor SDK, nothing more."""
