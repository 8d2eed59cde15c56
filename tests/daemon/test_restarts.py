from tidegate.daemon.restarts import LONGEST_DELAY_S, RestartDelay


def test_delays_grow_with_deaths_and_are_forgotten_after_a_minute() -> None:
    delay = RestartDelay()
    assert [delay.after_death(float(second)) for second in range(6)] == [0.0, 0.0, 0.0, 0.5, 1.0, 2.0]
    assert max(delay.after_death(6.0) for _ in range(40)) == LONGEST_DELAY_S
    assert delay.after_death(200.0) == 0.0
