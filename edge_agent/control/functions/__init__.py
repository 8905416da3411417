"""The grid-code functions and fast products, one a file: pure, in per unit, for any settings of the standard.

Power is per unit of the rating (positive = injection), reactive power per unit of the apparent rating
(positive = injected), voltage per unit of nominal. What is compared with a trip or a window is compared
in whole numbers.
"""
