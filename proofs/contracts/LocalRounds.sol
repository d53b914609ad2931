// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRoundsManager} from "./IRoundsManager.sol";

/// @title LocalRounds: rounds of a fixed number of seconds, for local networks that have no Livepeer RoundsManager
contract LocalRounds is IRoundsManager {
    /// @notice Unix seconds at which round 1 began.
    uint256 public immutable startedAt;
    /// @notice Seconds of one round.
    uint256 public immutable roundSeconds;

    error ZeroRoundSeconds();

    constructor(uint256 roundSeconds_) {
        if (roundSeconds_ == 0) revert ZeroRoundSeconds();
        startedAt = block.timestamp;
        roundSeconds = roundSeconds_;
    }

    /// @inheritdoc IRoundsManager
    function currentRound() external view returns (uint256) {
        return (block.timestamp - startedAt) / roundSeconds + 1;
    }
}
