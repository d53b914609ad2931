// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRoundsManager} from "../IRoundsManager.sol";
import {ILivepeerBondingManager, ILivepeerController} from "../Slashers.sol";
import {TestToken} from "../TestToken.sol";

/// @title DoubleController: an address book that anybody can write; for tests only
contract DoubleController is ILivepeerController {
    mapping(bytes32 => address) private _contracts;

    /// @notice Registers a contract by its name.
    function setContract(string calldata name, address value) external {
        _contracts[keccak256(bytes(name))] = value;
    }

    /// @inheritdoc ILivepeerController
    function getContract(bytes32 id) external view returns (address) {
        return _contracts[id];
    }
}

/// @title DoubleRoundsManager: rounds that a test sets; for tests only
contract DoubleRoundsManager is IRoundsManager {
    /// @inheritdoc IRoundsManager
    uint256 public currentRound = 1;

    /// @notice Begins this round.
    function setRound(uint256 round) external {
        currentRound = round;
    }
}

/// @title DoubleMinter: where bonded tokens lie; burns only with the token's burner role; for tests only
contract DoubleMinter {
    TestToken public immutable token;
    address public immutable manager;
    bool public hasBurnerRole;

    error MissingBurnerRole();

    constructor(TestToken token_, address manager_) {
        token = token_;
        manager = manager_;
    }

    function setBurnerRole(bool value) external {
        hasBurnerRole = value;
    }

    function transferTokens(address to, uint256 amount) external {
        require(msg.sender == manager, "msg.sender not BondingManager");
        token.transfer(to, amount);
    }

    /// @notice Reverts without the role whatever the amount is, zero too.
    function burnTokens(uint256 amount) external {
        require(msg.sender == manager, "msg.sender not BondingManager");
        if (!hasBurnerRole) revert MissingBurnerRole();
        token.transfer(address(0xdead), amount);
    }
}

/// @title DoubleBondingManager: how Livepeer's BondingManager behaves when it slashes; for tests only
/// @notice As measured on the real one: only the Verifier may call, only the own bond is touched, unbonding locks and bonds that were
/// transferred are not, everything reverts without the burner role, more than a whole reverts, an empty bond does not, plain delegators are
/// hit when named, a slashed node leaves the pool and is back with the next bond, of one wei and of anybody.
contract DoubleBondingManager is ILivepeerBondingManager {
    uint256 private constant PPM = 1_000_000;
    uint256 public constant UNBONDING_ROUNDS = 7;
    DoubleController public immutable controller;
    TestToken public immutable token;
    DoubleMinter public immutable minter;
    mapping(address => uint256) public bonded;
    mapping(address => address) public delegateOf;
    /// @notice Own and others' stake: the weight in the pool. What was unbonded or slashed is taken off, what was transferred is not.
    mapping(address => uint256) public delegated;
    mapping(address => bool) public inPool;

    struct Lock {
        uint256 amount;
        uint256 withdrawRound;
    }
    /// @notice The one unbonding lock of a delegator.
    mapping(address => Lock) public locks;

    event TranscoderSlashed(address indexed transcoder, address finder, uint256 penalty, uint256 finderReward);
    event TranscoderActivated(address indexed transcoder);
    event TranscoderDeactivated(address indexed transcoder);
    event Unbond(address indexed delegate, address indexed delegator, uint256 amount);
    event TransferBond(address indexed oldDelegator, address indexed newDelegator, uint256 amount);

    constructor(DoubleController controller_, TestToken token_) {
        controller = controller_;
        token = token_;
        minter = new DoubleMinter(token_, address(this));
    }

    function setBurnerRole(bool value) external {
        minter.setBurnerRole(value);
    }

    /// @notice Bonds to a node, or to oneself to be one. Whoever bonds, and however little: the node is in the pool again.
    function bond(uint256 amount, address to) external {
        token.transferFrom(msg.sender, address(minter), amount);
        bonded[msg.sender] += amount;
        delegateOf[msg.sender] = to;
        delegated[to] += amount;
        if (isRegisteredTranscoder(to)) _join(to);
    }

    /// @notice Moves a bond into a lock, where no slash reaches it.
    function unbond(uint256 amount) external {
        address to = delegateOf[msg.sender];
        bonded[msg.sender] -= amount;
        delegated[to] -= amount;
        locks[msg.sender].amount += amount;
        locks[msg.sender].withdrawRound = _round() + UNBONDING_ROUNDS;
        if (bonded[msg.sender] == 0) {
            delete delegateOf[msg.sender];
            if (to == msg.sender) _leave(to);
        }
        emit Unbond(to, msg.sender, amount);
    }

    /// @notice Pays a lock out, some rounds later.
    function withdrawStake() external {
        Lock memory lock = locks[msg.sender];
        require(lock.amount > 0 && _round() >= lock.withdrawRound, "withdraw round must be before or equal to the current round");
        delete locks[msg.sender];
        minter.transferTokens(msg.sender, lock.amount);
    }

    /// @notice Gives a bond to somebody else at once; the weight of the node stays.
    function transferBond(address to, uint256 amount) external {
        bonded[msg.sender] -= amount;
        bonded[to] += amount;
        delegateOf[to] = delegateOf[msg.sender];
        emit TransferBond(msg.sender, to, amount);
    }

    /// @inheritdoc ILivepeerBondingManager
    function isRegisteredTranscoder(address transcoder) public view returns (bool) {
        return delegateOf[transcoder] == transcoder && bonded[transcoder] > 0;
    }

    /// @inheritdoc ILivepeerBondingManager
    function slashTranscoder(address transcoder, address finder, uint256 slashAmount, uint256 finderFee) external {
        require(msg.sender == controller.getContract(keccak256("Verifier")), "caller must be Verifier");
        if (bonded[transcoder] == 0) {
            emit TranscoderSlashed(transcoder, address(0), 0, 0);
            return;
        }
        uint256 penalty = (bonded[transcoder] * slashAmount) / PPM;
        if (inPool[transcoder]) _leave(transcoder);
        bonded[transcoder] -= penalty;
        // A whole slash leaves phantom stake behind.
        if (bonded[transcoder] > 0) delegated[delegateOf[transcoder]] -= penalty;
        uint256 reward = finder == address(0) ? 0 : (penalty * finderFee) / PPM;
        if (reward > 0) minter.transferTokens(finder, reward);
        // Called even when nothing is left to burn.
        minter.burnTokens(penalty - reward);
        emit TranscoderSlashed(transcoder, finder, penalty, reward);
    }

    /// @inheritdoc ILivepeerBondingManager
    function getDelegator(
        address delegator
    ) external view returns (uint256, uint256, address, uint256, uint256, uint256, uint256) {
        return (bonded[delegator], 0, delegateOf[delegator], delegated[delegator], 0, 0, 0);
    }

    function _round() private view returns (uint256) {
        address rounds = controller.getContract(keccak256("RoundsManager"));
        return rounds == address(0) ? 0 : IRoundsManager(rounds).currentRound();
    }

    function _join(address transcoder) private {
        if (inPool[transcoder]) return;
        inPool[transcoder] = true;
        emit TranscoderActivated(transcoder);
    }

    function _leave(address transcoder) private {
        inPool[transcoder] = false;
        emit TranscoderDeactivated(transcoder);
    }
}
