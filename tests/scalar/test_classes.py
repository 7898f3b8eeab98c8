"""Class-like names of records."""

import pytest

import theano.scalar as ts
from theano.scalar import ScalarOp

NAMES = [
    "LT", "GT", "LE", "GE", "EQ", "NEQ", "IsNan", "IsInf", "Switch", "OR", "XOR", "AND", "Invert", "Maximum",
    "Minimum", "Add", "Mul", "Sub", "TrueDiv", "IntDiv", "Mod", "Pow", "Clip", "Second", "Identity", "Cast",
    "Abs", "Sgn", "Ceil", "Floor", "Trunc", "RoundHalfToEven", "RoundHalfAwayFromZero", "Neg", "Inv", "Log",
    "Log2", "Log10", "Log1p", "Exp", "Exp2", "Expm1", "Sqr", "Sqrt", "Deg2Rad", "Rad2Deg", "Cos", "ArcCos",
    "Sin", "ArcSin", "Tan", "ArcTan", "ArcTan2", "Cosh", "ArcCosh", "Sinh", "ArcSinh", "Tanh", "ArcTanh",
    "Real", "Imag", "Angle", "Complex", "Conj", "ComplexFromPolar", "Erf", "Erfc", "Erfcx", "Erfinv", "Erfcinv",
    "Gamma", "GammaLn", "Psi", "TriGamma", "Chi2SF", "GammaInc", "GammaIncC", "GammaU", "GammaL", "Jv", "J1",
    "J0", "Iv", "I1", "I0",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_class_has_its_record_as_only_instance(name):
    cls = getattr(ts, name)
    if name == "Cast":
        records = [ts.convert_to_int8, ts.convert_to_complex64]
        assert cls("int8") is ts.convert_to_int8 is ts.cast_to("int8")
    else:
        records = [cls()]
        assert [r for r in ScalarOp.registry.values() if isinstance(r, cls)] == records
        assert records[0].name.replace("_", "").lower() == name.lower()
    assert all(isinstance(r, cls) for r in records)
    assert not isinstance(ts.softplus, cls) and not isinstance("exp", cls)
    assert not isinstance(ts.convert_to_int8, cls) or name == "Cast"


def test_families():
    assert isinstance(ts.exp, ts.UnaryScalarOp) and not isinstance(ts.sub, ts.UnaryScalarOp)
    assert isinstance(ts.sub, ts.BinaryScalarOp) and not isinstance(ts.add, ts.BinaryScalarOp)
    assert isinstance(ts.and_, ts.BinaryBitOp) and isinstance(ts.invert, ts.UnaryBitOp)
    assert isinstance(ts.lt, ts.LogicalComparison) and not isinstance(ts.isnan, ts.LogicalComparison)
    assert isinstance(ts.isnan, ts.FixedLogicalComparison)
    with pytest.raises(TypeError, match="elementwise"):
        ts.UnaryScalarOp()
