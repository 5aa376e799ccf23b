"""Non-negative least squares for a few regressors and many rows. Pure numpy."""

from __future__ import annotations

import numpy as np

from include.evaluation.history import FloatArray

_TOLERANCE = 1e-12


def nonnegative_least_squares(regressors: FloatArray, target: FloatArray) -> FloatArray:
    """The weights w >= 0 that minimise ``|regressors @ w - target|``. [n, p], [n] -> [p].

    An active-set method. In each round the fixed weight with the steepest descent becomes free, until none has a
    descent. A step that would make a free weight negative ends where the weight is 0.

    Source: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23, on the normal equations.
    """
    gram, moment = regressors.T @ regressors, regressors.T @ target
    size = len(moment)
    weights, is_free = np.zeros(size), np.zeros(size, dtype=np.bool_)
    tolerance = _TOLERANCE * max(float(np.abs(moment).max(initial=0.0)), 1e-300)
    for _ in range(3 * size):
        slope = np.where(is_free, -np.inf, moment - gram @ weights)
        if is_free.all() or slope.max() <= tolerance:
            break
        is_free[int(np.argmax(slope))] = True
        weights, is_free = _descend(gram, moment, weights, is_free)
    return weights


def _descend(
    gram: FloatArray, moment: FloatArray, weights: FloatArray, is_free: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """The weights that minimise the loss over the free ones, and which are free: those that reach 0 become fixed."""
    while is_free.any():
        goal = np.zeros_like(weights)
        goal[is_free] = np.linalg.lstsq(gram[np.ix_(is_free, is_free)], moment[is_free], rcond=None)[0]
        is_bad = is_free & (goal <= 0.0)
        if not is_bad.any():
            return goal, is_free
        step = float(np.min(weights[is_bad] / np.maximum(weights[is_bad] - goal[is_bad], 1e-300)))
        weights = np.maximum(weights + step * (goal - weights), 0.0)
        is_free = is_free & ~(is_bad & (weights <= _TOLERANCE * max(float(weights.max()), 1e-300)))
    return np.zeros_like(weights), is_free
