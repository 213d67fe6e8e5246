"""What every bound is held to: that no code of some given ones is cut off."""


def assert_contains(region, net, codes, room=0.0):
    """Check that a region holds the codes, and their pre-activations but for `room`, the rounding of a forward pass."""
    assert (codes >= region.code.lower).all()
    assert (codes <= region.code.upper).all()
    for t, bound in zip(net.pre_activations(codes), region.pre_activations, strict=True):
        assert (t >= bound.lower - room).all()
        assert (t <= bound.upper + room).all()
