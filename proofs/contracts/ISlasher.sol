// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title ISlasher: one way of taking stake
interface ISlasher {
    /// @notice What could be taken from a transcoder now, 10^-18 tokens.
    function stakeOf(address transcoder) external view returns (uint256);

    /// @notice Sends up to `amount` of the transcoder's stake to the verifier. Must not revert because of the amount; may revert while the
    /// system behind it is paused, so that the proof can be brought later.
    /// @return taken 10^-18 tokens that really moved.
    function take(address transcoder, uint256 amount) external returns (uint256 taken);
}
