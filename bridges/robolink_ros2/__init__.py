"""ROS 2 bridge: topics of a ROS 2 robot become a robot of the hub, by the vendor SDK alone."""
