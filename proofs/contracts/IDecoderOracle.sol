// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title IDecoderOracle: the last word on an appeal
/// @notice Whoever stands behind it re-runs the public decoder: at first a multisig, later a contract that decodes on chain.
interface IDecoderOracle {
    /// @notice Whether the conviction was found wrong and must be refunded.
    function isOverturned(bytes32 faultId) external view returns (bool);

    /// @notice Whether an appeal was heard and the conviction found right, so that nobody has to wait any longer.
    function isUpheld(bytes32 faultId) external view returns (bool);
}
