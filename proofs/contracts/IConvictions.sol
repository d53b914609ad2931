// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title IConvictions: what other contracts may ask
interface IConvictions {
    /// @notice A fault was proven. `amount` (10^-18 tokens) was really taken; it may be less than the class costs.
    event Convicted(
        bytes32 indexed faultId,
        address indexed transcoder,
        uint8 indexed faultClass,
        address finder,
        uint256 amount,
        bytes32 receiptDigest
    );

    /// @notice A conviction was found wrong on appeal; `amount` (10^-18 tokens) went back to the transcoder.
    event Refunded(bytes32 indexed faultId, address transcoder, uint256 amount);

    /// @notice Whether this fault was proven and not overturned on appeal.
    function isConvicted(bytes32 faultId) external view returns (bool);

    /// @notice Faults of a transcoder that were proven in `sinceRound` or later and not overturned, newest first.
    function convictionsOf(address transcoder, uint256 sinceRound) external view returns (bytes32[] memory faultIds);
}
