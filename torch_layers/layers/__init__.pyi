from torch_layers.layers.activation.activation import Activation as Activation
from torch_layers.layers.activation.elu import ELU as ELU
from torch_layers.layers.activation.leaky_relu import LeakyReLU as LeakyReLU
from torch_layers.layers.activation.prelu import PReLU as PReLU
from torch_layers.layers.activation.relu import ReLU as ReLU
from torch_layers.layers.activation.softmax import Softmax as Softmax
from torch_layers.layers.attention.additive_attention import AdditiveAttention as AdditiveAttention
from torch_layers.layers.attention.attention import Attention as Attention
from torch_layers.layers.attention.group_query_attention import GroupQueryAttention as GroupQueryAttention
from torch_layers.layers.attention.multi_head_attention import MultiHeadAttention as MultiHeadAttention
from torch_layers.layers.base import Layer as Layer
from torch_layers.layers.convolution.conv import Conv1D as Conv1D
from torch_layers.layers.convolution.conv import Conv2D as Conv2D
from torch_layers.layers.convolution.conv import Conv3D as Conv3D
from torch_layers.layers.convolution.conv_transpose import Conv1DTranspose as Conv1DTranspose
from torch_layers.layers.convolution.conv_transpose import Conv2DTranspose as Conv2DTranspose
from torch_layers.layers.convolution.conv_transpose import Conv3DTranspose as Conv3DTranspose
from torch_layers.layers.convolution.depthwise_conv import DepthwiseConv1D as DepthwiseConv1D
from torch_layers.layers.convolution.depthwise_conv import DepthwiseConv2D as DepthwiseConv2D
from torch_layers.layers.convolution.separable_conv import SeparableConv1D as SeparableConv1D
from torch_layers.layers.convolution.separable_conv import SeparableConv2D as SeparableConv2D
from torch_layers.layers.core.dense import Dense as Dense
from torch_layers.layers.core.einsum_dense import EinsumDense as EinsumDense
from torch_layers.layers.core.embedding import Embedding as Embedding
from torch_layers.layers.core.identity import Identity as Identity
from torch_layers.layers.core.input_layer import InputLayer as InputLayer
from torch_layers.layers.core.lambda_layer import Lambda as Lambda
from torch_layers.layers.core.masking import Masking as Masking
from torch_layers.layers.core.reversible_embedding import ReversibleEmbedding as ReversibleEmbedding
from torch_layers.layers.core.wrapper import Wrapper as Wrapper
from torch_layers.layers.merging.add import Add as Add
from torch_layers.layers.merging.add import add as add
from torch_layers.layers.merging.average import Average as Average
from torch_layers.layers.merging.average import average as average
from torch_layers.layers.merging.concatenate import Concatenate as Concatenate
from torch_layers.layers.merging.concatenate import concatenate as concatenate
from torch_layers.layers.merging.dot import Dot as Dot
from torch_layers.layers.merging.dot import dot as dot
from torch_layers.layers.merging.extremum import Maximum as Maximum
from torch_layers.layers.merging.extremum import Minimum as Minimum
from torch_layers.layers.merging.extremum import maximum as maximum
from torch_layers.layers.merging.extremum import minimum as minimum
from torch_layers.layers.merging.multiply import Multiply as Multiply
from torch_layers.layers.merging.multiply import multiply as multiply
from torch_layers.layers.merging.subtract import Subtract as Subtract
from torch_layers.layers.merging.subtract import subtract as subtract
from torch_layers.layers.normalization.batch_normalization import BatchNormalization as BatchNormalization
from torch_layers.layers.normalization.group_normalization import GroupNormalization as GroupNormalization
from torch_layers.layers.normalization.layer_normalization import LayerNormalization as LayerNormalization
from torch_layers.layers.normalization.rms_normalization import RMSNormalization as RMSNormalization
from torch_layers.layers.normalization.spectral_normalization import SpectralNormalization as SpectralNormalization
from torch_layers.layers.normalization.unit_normalization import UnitNormalization as UnitNormalization
from torch_layers.layers.pooling.adaptive_pooling import AdaptiveAveragePooling1D as AdaptiveAveragePooling1D
from torch_layers.layers.pooling.adaptive_pooling import AdaptiveAveragePooling2D as AdaptiveAveragePooling2D
from torch_layers.layers.pooling.adaptive_pooling import AdaptiveAveragePooling3D as AdaptiveAveragePooling3D
from torch_layers.layers.pooling.adaptive_pooling import AdaptiveMaxPooling1D as AdaptiveMaxPooling1D
from torch_layers.layers.pooling.adaptive_pooling import AdaptiveMaxPooling2D as AdaptiveMaxPooling2D
from torch_layers.layers.pooling.adaptive_pooling import AdaptiveMaxPooling3D as AdaptiveMaxPooling3D
from torch_layers.layers.pooling.global_pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
from torch_layers.layers.pooling.global_pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
from torch_layers.layers.pooling.global_pooling import GlobalAveragePooling3D as GlobalAveragePooling3D
from torch_layers.layers.pooling.global_pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
from torch_layers.layers.pooling.global_pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
from torch_layers.layers.pooling.global_pooling import GlobalMaxPooling3D as GlobalMaxPooling3D
from torch_layers.layers.pooling.pooling import AveragePooling1D as AveragePooling1D
from torch_layers.layers.pooling.pooling import AveragePooling2D as AveragePooling2D
from torch_layers.layers.pooling.pooling import AveragePooling3D as AveragePooling3D
from torch_layers.layers.pooling.pooling import MaxPooling1D as MaxPooling1D
from torch_layers.layers.pooling.pooling import MaxPooling2D as MaxPooling2D
from torch_layers.layers.pooling.pooling import MaxPooling3D as MaxPooling3D
from torch_layers.layers.preprocessing.center_crop import CenterCrop as CenterCrop
from torch_layers.layers.preprocessing.normalization import Normalization as Normalization
from torch_layers.layers.preprocessing.rescaling import Rescaling as Rescaling
from torch_layers.layers.preprocessing.resizing import Resizing as Resizing
from torch_layers.layers.recurrent.bidirectional import Bidirectional as Bidirectional
from torch_layers.layers.recurrent.conv_lstm import ConvLSTM1D as ConvLSTM1D
from torch_layers.layers.recurrent.conv_lstm import ConvLSTM2D as ConvLSTM2D
from torch_layers.layers.recurrent.conv_lstm import ConvLSTM3D as ConvLSTM3D
from torch_layers.layers.recurrent.gru import GRU as GRU
from torch_layers.layers.recurrent.gru import GRUCell as GRUCell
from torch_layers.layers.recurrent.lstm import LSTM as LSTM
from torch_layers.layers.recurrent.lstm import LSTMCell as LSTMCell
from torch_layers.layers.recurrent.rnn import RNN as RNN
from torch_layers.layers.recurrent.simple_rnn import SimpleRNN as SimpleRNN
from torch_layers.layers.recurrent.simple_rnn import SimpleRNNCell as SimpleRNNCell
from torch_layers.layers.recurrent.stacked_rnn_cells import StackedRNNCells as StackedRNNCells
from torch_layers.layers.recurrent.time_distributed import TimeDistributed as TimeDistributed
from torch_layers.layers.regularization.activity_regularization import ActivityRegularization as ActivityRegularization
from torch_layers.layers.regularization.alpha_dropout import AlphaDropout as AlphaDropout
from torch_layers.layers.regularization.dropout import Dropout as Dropout
from torch_layers.layers.regularization.dropout import SpatialDropout1D as SpatialDropout1D
from torch_layers.layers.regularization.dropout import SpatialDropout2D as SpatialDropout2D
from torch_layers.layers.regularization.dropout import SpatialDropout3D as SpatialDropout3D
from torch_layers.layers.regularization.gaussian import GaussianDropout as GaussianDropout
from torch_layers.layers.regularization.gaussian import GaussianNoise as GaussianNoise
from torch_layers.layers.reshaping.cropping import Cropping1D as Cropping1D
from torch_layers.layers.reshaping.cropping import Cropping2D as Cropping2D
from torch_layers.layers.reshaping.cropping import Cropping3D as Cropping3D
from torch_layers.layers.reshaping.flatten import Flatten as Flatten
from torch_layers.layers.reshaping.permute import Permute as Permute
from torch_layers.layers.reshaping.repeat_vector import RepeatVector as RepeatVector
from torch_layers.layers.reshaping.reshape import Reshape as Reshape
from torch_layers.layers.reshaping.up_sampling import UpSampling1D as UpSampling1D
from torch_layers.layers.reshaping.up_sampling import UpSampling2D as UpSampling2D
from torch_layers.layers.reshaping.up_sampling import UpSampling3D as UpSampling3D
from torch_layers.layers.reshaping.zero_padding import ZeroPadding1D as ZeroPadding1D
from torch_layers.layers.reshaping.zero_padding import ZeroPadding2D as ZeroPadding2D
from torch_layers.layers.reshaping.zero_padding import ZeroPadding3D as ZeroPadding3D

AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
Convolution1D = Conv1D
Convolution1DTranspose = Conv1DTranspose
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
Convolution3D = Conv3D
Convolution3DTranspose = Conv3DTranspose
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D

__all__ = [
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "CenterCrop",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "ELU",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRU",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "GroupQueryAttention",
    "Identity",
    "InputLayer",
    "LSTM",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "RNN",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "ReversibleEmbedding",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]
