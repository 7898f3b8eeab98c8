"""theano.gradient: the public names of differentiation. The code is in `transforms/` and `compile/verify_grad.py`."""

from __future__ import annotations

from theano.compile.verify_grad import GradientError as GradientError
from theano.compile.verify_grad import mode_not_slow as mode_not_slow
from theano.compile.verify_grad import numeric_grad as numeric_grad
from theano.compile.verify_grad import verify_grad as verify_grad
from theano.errors import DisconnectedInputError as DisconnectedInputError
from theano.errors import NullTypeGradError as NullTypeGradError
from theano.graph.type import DisconnectedType as DisconnectedType
from theano.graph.type import NullType as NullType
from theano.graph.type import disconnected_type as disconnected_type
from theano.graph.type import null_type as null_type
from theano.transforms.forward import Rop as Rop
from theano.transforms.gradient_ops import ConsiderConstant as ConsiderConstant
from theano.transforms.gradient_ops import DisconnectedGrad as DisconnectedGrad
from theano.transforms.gradient_ops import GradClip as GradClip
from theano.transforms.gradient_ops import GradScale as GradScale
from theano.transforms.gradient_ops import UndefinedGrad as UndefinedGrad
from theano.transforms.gradient_ops import ZeroGrad as ZeroGrad
from theano.transforms.gradient_ops import consider_constant as consider_constant
from theano.transforms.gradient_ops import consider_constant_ as consider_constant_
from theano.transforms.gradient_ops import disconnected_grad as disconnected_grad
from theano.transforms.gradient_ops import disconnected_grad_ as disconnected_grad_
from theano.transforms.gradient_ops import grad_clip as grad_clip
from theano.transforms.gradient_ops import grad_not_implemented as grad_not_implemented
from theano.transforms.gradient_ops import grad_scale as grad_scale
from theano.transforms.gradient_ops import grad_undefined as grad_undefined
from theano.transforms.gradient_ops import undefined_grad as undefined_grad
from theano.transforms.gradient_ops import undefined_grad_ as undefined_grad_
from theano.transforms.gradient_ops import zero_grad as zero_grad
from theano.transforms.gradient_ops import zero_grad_ as zero_grad_
from theano.transforms.jacobian import hessian as hessian
from theano.transforms.jacobian import hessian_vector_product as hessian_vector_product
from theano.transforms.jacobian import jacobian as jacobian
from theano.transforms.reverse import Lop as Lop
from theano.transforms.reverse import format_as as format_as
from theano.transforms.reverse import grad as grad
from theano.transforms.subgraph import subgraph_grad as subgraph_grad
